"""The Resource controller: asks for a place, has the steps made in order, and says how the resource is doing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace

from upright.controllers import resource_status, serving
from upright.controllers.fingerprint import AHEAD
from upright.controllers.resource_status import Picture
from upright.controllers.runtime.controller import Controller, Outcome, Watch
from upright.controllers.runtime.queue import Key
from upright.controllers.scheduler import EARLY, Scheduler, Wish, early, wish
from upright.controllers.serving import Serving
from upright.controllers.switches import is_disabled
from upright.controllers.tiltfile_status import tiltfile_status
from upright.controllers.unfinished import Unfinished
from upright.controllers.update import (
    build_reason,
    builds,
    cause_of,
    locals_ahead,
    trigger_of,
    update,
    update_cmd_name,
    with_apply_limit,
)
from upright.controllers.verdict.budgets import in_force, of_run
from upright.controllers.verdict.cards import card_of_finding, card_of_update
from upright.controllers.verdict.lateness import lateness
from upright.controllers.verdict.phases import late_steps
from upright.openapi.v1alpha1.cluster import Cluster
from upright.openapi.v1alpha1.cmd import Cmd
from upright.openapi.v1alpha1.cmd_image import CmdImage
from upright.openapi.v1alpha1.config_map import ConfigMap
from upright.openapi.v1alpha1.docker_compose_service import DockerComposeService
from upright.openapi.v1alpha1.docker_image import DockerImage
from upright.openapi.v1alpha1.image_map import ImageMap
from upright.openapi.v1alpha1.kubernetes_apply import KubernetesApply
from upright.openapi.v1alpha1.kubernetes_discovery import KubernetesDiscovery
from upright.openapi.v1alpha1.resource import TILTFILE, BuildRunning, Resource, ResourceStatus
from upright.openapi.v1alpha1.session import Session
from upright.openapi.v1alpha1.tiltfile import Tiltfile, TiltfileStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from upright.controllers.runtime.turn import Turn
    from upright.controllers.update import Find, Update
    from upright.controllers.verdict.budgets import Budgets
    from upright.controllers.world.logs import Logs
    from upright.openapi.meta import Object
    from upright.openapi.v1alpha1.failure import Failure
    from upright.openapi.v1alpha1.limits import Limits

HOLD_REFRESH_SECONDS = 5.0
"""How often a resource that has no place looks again why: who is in its way changes without telling it."""
STEPS: tuple[type[Object], ...] = (Cmd, DockerImage, CmdImage, KubernetesApply, DockerComposeService)


class ResourceController(Controller[Resource]):
    """Brings each resource up: update when it has a place, then watch over what runs.

    ``tail`` returns the last lines of a log span, for failure cards.
    """

    kind: ClassVar[type[Object]] = Resource
    heeds_status: ClassVar[bool] = False
    owns: ClassVar[tuple[type[Object], ...]] = STEPS
    reads: ClassVar[tuple[type[Object], ...]] = (Session, Tiltfile)

    def __init__(self, logs: Logs, tail: Callable[[str, int], Sequence[str]]) -> None:
        self.scheduler = Scheduler(wake=lambda name: self.wake(Key("", name.removesuffix(EARLY))))
        self._logs = logs
        self._tail = tail
        self._unfinished = Unfinished()
        self._troubled: set[str] = set()
        self._causes: dict[str, tuple[tuple[str, int, str], str]] = {}

    def watches(self) -> Iterable[Watch]:
        yield Watch(Resource, self._seen)
        yield Watch(ConfigMap, self._switched)
        yield Watch(ImageMap, self._users_of)
        yield Watch(KubernetesDiscovery, lambda obj: (Key("", obj.name),))
        yield Watch(Cluster, self._cluster_seen)
        yield Watch(Tiltfile, self._tiltfile_seen)

    async def reconcile(self, turn: Turn[Resource]) -> Outcome:
        resource = turn.obj
        if resource.spec.kind == "tiltfile":
            tiltfile = turn.get(Tiltfile, resource.name)
            executed = tiltfile.status if tiltfile is not None else TiltfileStatus()
            return Outcome(tiltfile_status(executed, f"tiltfile:{resource.name}:1"))
        if is_disabled(resource.spec.disable_source, turn):
            self.scheduler.release(resource.name)
            self.scheduler.release(resource.name + EARLY)
            self._unfinished.forget(resource.name)
            await turn.apply((), prune=STEPS)
            return Outcome(resource_status.disabled(resource, resource.status))
        budgets = in_force(resource.spec.limits, self._session_limits(turn))
        picture, failures = await self._updated(turn, budgets)
        served = await self._served(turn, picture, budgets)
        status = resource_status.whole(replace(picture, serving=served))
        late = (
            []
            if served.blind
            else [f for t in status.targets if (f := lateness(t, budgets.ready_timeout, served.waits))]
        )
        late += late_steps(resource, update_cmd_name(resource), turn.get, budgets)
        red = [finding for finding in (*served.findings, *late) if finding.is_red(turn.now)]
        failures += [card_of_finding(resource, finding, self._tail) for finding in red]
        return Outcome(
            status.model_copy(update={"failures": tuple(failures)}),
            _look_again(picture, (served.after, *(f.due for f in late))),
        )

    async def _updated(self, turn: Turn[Resource], budgets: Budgets) -> tuple[Picture, list[Failure]]:
        """Begin the update if it is due and there is a place, or follow the one that runs."""
        resource, status = turn.obj, turn.obj.status
        cause = self._cause(resource)
        wanted = resource.spec.auto_init or status.triggered != "" or trigger_of(resource) != ""
        due = status.triggered != cause and wanted
        hold = None
        if due and status.current_build is None:
            mine = wish(resource)
            if self.scheduler.ask(mine) or await self._failed_early(turn, cause, mine):
                self.scheduler.release(mine.name + EARLY)
                status = self._begin(resource, cause, turn)
            else:
                hold = self.scheduler.hold(mine)
        if status.current_build is not None:
            going = update(with_apply_limit(resource, budgets.apply_timeout), status.triggered, turn.get)
            await turn.apply(going.objects)
            status = self._advanced(turn, status, going)
        failures: list[Failure] = []
        if status.build_history and status.build_history[0].error and status.current_build is None:
            failures = [card_of_update(resource, status, self._tail)]
        due = due and status.triggered != cause
        return Picture(resource, status, Serving("none"), turn.now, due, hold), failures

    async def _failed_early(self, turn: Turn[Resource], cause: str, mine: Wish) -> bool:
        """Build the images while the resource waits for what only its deploying needs; True if one cannot be built.

        What is built ahead of local resources that may write what it reads warms the caches only: it is built again when
        they are done, which is no work if what it reads is the same.
        """
        if not mine.images or not _may_build(turn.obj, turn.get):
            return False
        counts = not locals_ahead(turn.obj, turn.get)
        going = builds(turn.obj, cause if counts else cause + AHEAD, turn.get)
        if going.state == "running" and self.scheduler.ask(early(mine)):
            await turn.apply(going.objects)
        if going.state != "running":
            self.scheduler.release(mine.name + EARLY, well=counts and going.state == "done")
        return counts and going.state == "failed"

    def _cause(self, resource: Resource) -> str:
        """Return ``cause_of`` the resource, computed once for each of its generations and triggers."""
        meta = resource.metadata
        inputs = (meta.uid, meta.generation, trigger_of(resource))
        known = self._causes.get(resource.name)
        if known is None or known[0] != inputs:
            known = self._causes[resource.name] = (inputs, cause_of(resource))
        return known[1]

    def _begin(self, resource: Resource, cause: str, turn: Turn[Resource]) -> ResourceStatus:
        span = f"build:{resource.name}"
        self._logs.open(span, resource.name).write(build_reason(resource), fields={"buildEvent": "init"})
        started = BuildRunning(start_time=turn.now, span_id=span)
        return resource.status.model_copy(update={"triggered": cause, "current_build": started, "steps": ()})

    def _advanced(self, turn: Turn[Resource], status: ResourceStatus, going: Update) -> ResourceStatus:
        status = status.model_copy(update={"steps": going.steps})
        if going.state == "running":
            self.scheduler.take(wish(turn.obj))
            return status
        self.scheduler.release(turn.obj.name, well=going.state == "done")
        if going.state == "failed":
            writer = self._logs.open(f"build:{turn.obj.name}", turn.obj.name)
            writer.write(f"Build Failed: {going.error}", level="ERROR", fields={"rule": going.rule})
        served = going.state == "done" and turn.obj.spec.local is not None and turn.obj.spec.local.serve is not None
        run = status.serve_run + (1 if served else 0)
        return resource_status.record(status, going.error, turn.now).model_copy(update={"serve_run": run})

    async def _served(self, turn: Turn[Resource], picture: Picture, budgets: Budgets) -> Serving:
        """Say how what runs is doing; a local server is started here, once its update is done."""
        resource, status = turn.obj, picture.status
        if resource.spec.local is None:
            busy = self._unfinished.could_help(resource.name)
            judge = serving.deployed if resource.spec.kubernetes is not None else serving.composed
            found = judge(resource, status, turn.get, budgets, turn.now, others_busy=busy)
            (self._troubled.add if busy and (found.tolerated or found.excused) else self._troubled.discard)(
                resource.name
            )
            return found
        built = bool(status.build_history) and not status.build_history[0].error
        if not built:
            return Serving("not_applicable" if resource.spec.local.serve is None else "none")
        found = serving.local(resource, status, turn.get, budgets, turn.now)
        if found.server is not None and status.current_build is None:
            await self._start_server(turn, found.server)
        return found

    async def _start_server(self, turn: Turn[Resource], server: Cmd) -> None:
        """Have the server's Cmd; an earlier life of it ends first, or both would want the same port."""
        earlier = [c for c in turn.owned(Cmd) if "-serve-" in c.name and c.name != server.name]
        for old in earlier:
            if old.metadata.deletion_timestamp is None:
                await turn.client.delete(Cmd, old.name, uid=old.metadata.uid)
        if not earlier:
            await turn.apply([server])

    def _session_limits(self, turn: Turn[Resource]) -> Limits:
        session = next(iter(turn.all(Session)), None)
        tiltfile = turn.get(Tiltfile, TILTFILE)
        settings = tiltfile.status.settings if tiltfile is not None else None
        return of_run(session.spec if session is not None else None, settings.ci if settings is not None else None)

    def _seen(self, obj: Object) -> Iterable[Key]:
        """Take note of a resource for the scheduler; those that only waited for it are woken by the scheduler."""
        if not isinstance(obj, Resource) or obj.spec.kind == "tiltfile":
            return ()
        if obj.status.ever_ready:
            self.scheduler.now_ready(obj.name)
        return [Key("", name) for name in self._troubled] if self._unfinished.note(obj) else ()

    def _switched(self, obj: Object) -> Iterable[Key]:
        return (Key("", obj.name.removesuffix("-disable")),)

    def _users_of(self, obj: Object) -> Iterable[Key]:
        for resource in self.caches.of(Resource).all():
            if any(image.image_map == obj.name for image in resource.spec.images):
                yield Key("", resource.name)

    def _cluster_seen(self, obj: Object) -> Iterable[Key]:
        if isinstance(obj, Cluster) and obj.name == "default":
            self.scheduler.connected(bool(obj.status.arch) and not obj.status.error)
        return ()

    def _tiltfile_seen(self, obj: Object) -> Iterable[Key]:
        if isinstance(obj, Tiltfile) and obj.name == TILTFILE and obj.status.settings is not None:
            self.scheduler.places = obj.status.settings.max_parallel_updates
        return (Key("", obj.name),)


def _may_build(resource: Resource, find: Find) -> bool:
    """Whether the images may be built before what the resource depends on is there.

    Not what a command builds, for it may need anything; nor beside a local resource that is to run alone.
    """
    images = resource.spec.images
    if not images or any(image.docker_image is None for image in images):
        return False
    if any(find(Resource, name) is None for name in resource.spec.depends_on):
        return False
    return not any(wish(one).alone for one in locals_ahead(resource, find))


def _look_again(picture: Picture, dates: Iterable[datetime | None]) -> float | None:
    """Return the seconds until the same observations may come to something else."""
    times = [HOLD_REFRESH_SECONDS] if picture.hold is not None else []
    ahead = [date for date in dates if date is not None and date > picture.now]
    times += [max((date - picture.now) / timedelta(seconds=1), 0.001) for date in ahead]
    return min(times, default=None)
