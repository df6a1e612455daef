"""The ExtensionRepo controller: has each repository of extensions on this machine, and says where."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

import anyio.to_thread

from upright.controllers import fingerprint
from upright.controllers.runtime.controller import Controller, Outcome
from upright.controllers.tiltfile.extension_repos import checked_out
from upright.controllers.tiltfile.extensions import GIT_ENV, MANAGED_BY
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.limits import Limits
from upright.controllers.tiltfile.local_commands import LocalCommands
from upright.controllers.world.environment import with_pairs
from upright.openapi.v1alpha1.extension_repo import ExtensionRepo, ExtensionRepoStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from upright.controllers.runtime.turn import Turn
    from upright.controllers.world.logs import Logs
    from upright.controllers.world.processes import Processes
    from upright.openapi.meta import Object

AGAIN_SECONDS = 5.0
LONGEST_SECONDS = 300.0
_FETCH = "fetch"


class ExtensionRepoController(Controller[ExtensionRepo]):
    """Fetches each repository once for each spec; what fails is tried again after a growing pause.

    Repositories that a Tiltfile loads from are fetched while it is executed; here they are found in the cache.
    """

    kind: ClassVar[type[Object]] = ExtensionRepo
    heeds_status: ClassVar[bool] = False

    def __init__(
        self,
        processes: Processes,
        environment: Callable[[], Mapping[str, str]],
        logs: Logs,
        clock: Callable[[], datetime],
    ) -> None:
        self._processes = processes
        self._environment = environment
        self._logs = logs
        self._clock = clock
        self._attempts: dict[str, int] = {}

    async def reconcile(self, turn: Turn[ExtensionRepo]) -> Outcome:
        repo = turn.obj
        wish = fingerprint.of_step(repo)
        if repo.status.ran == wish and not repo.status.error:
            return Outcome()
        attempt = self._attempts.get(repo.metadata.uid, 0)
        view = turn.tasks.ensure(_FETCH, (wish, attempt), partial(self._fetch, repo))
        if not view.done:
            return Outcome()
        if isinstance(view.result, ExtensionRepoStatus):
            self._attempts.pop(repo.metadata.uid, None)
            return Outcome(view.result.model_copy(update={"ran": wish}))
        self._attempts[repo.metadata.uid] = attempt + 1
        pause = min(AGAIN_SECONDS * 2**attempt, LONGEST_SECONDS)
        return Outcome(ExtensionRepoStatus(error=str(view.error), ran=wish), pause)

    async def _fetch(self, repo: ExtensionRepo, report: Callable[[object], None]) -> ExtensionRepoStatus:
        del report
        return await anyio.to_thread.run_sync(self._fetched, repo, abandon_on_cancel=True)

    def _fetched(self, repo: ExtensionRepo) -> ExtensionRepoStatus:
        """Fetch, in a thread; what a Tiltfile was loaded from is up to date."""
        environment = with_pairs(self._environment(), GIT_ENV)
        say = self._logs.open(f"extensionrepo:{repo.name}", "").write
        git = partial(self._git, environment)
        found = checked_out(repo, environment, git, say, renew=MANAGED_BY not in repo.metadata.annotations)
        return ExtensionRepoStatus(
            path=str(found.path),
            checkout_ref=git("-C", str(found.path), "rev-parse", "HEAD").strip() if found.cloned else "",
            last_fetched_at=self._clock() if found.cloned and not found.stale else None,
            stale_reason=found.stale,
        )

    def _git(self, environment: Mapping[str, str], *words: str) -> str:
        run_local = LocalCommands(self._processes, Limits.of(environment))
        done = run_local(("git", *words), directory="/", env=environment, stdin=None, line=lambda _line: None)
        if done.error or done.exit_code:
            verb = words[2] if words[0] == "-C" else words[0]
            raise Failure(f"git {verb}: {done.error or done.stderr.strip() or f'exit status {done.exit_code}'}")
        return done.stdout
