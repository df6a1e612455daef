"""The FileWatch controller: hears of changes of files, and says which and when."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import anyio

from upright.controllers import fingerprint
from upright.controllers.disable_status import disable_status, sources_of
from upright.controllers.runtime.controller import Controller, Outcome, Watch
from upright.controllers.runtime.queue import Key
from upright.controllers.world.engine.ignores import Ignore
from upright.controllers.world.file_changes import WatchFailed, hear
from upright.openapi.v1alpha1.config_map import ConfigMap
from upright.openapi.v1alpha1.file_watch import FileEvent, FileWatch, FileWatchStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from upright.controllers.runtime.turn import Turn
    from upright.openapi.meta import Object

KEPT_EVENTS = 20
AGAIN_SECONDS, LONGEST_SECONDS = 1.0, 300.0
_WATCH = "watch"


class FileWatchController(Controller[FileWatch]):
    """Watches what each FileWatch names; what was seen stays, also over a restart or a change of its spec."""

    kind: ClassVar[type[Object]] = FileWatch
    heeds_status: ClassVar[bool] = False
    reads: ClassVar[tuple[type[Object], ...]] = (ConfigMap,)

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._switched: dict[str, set[str]] = {}

    def watches(self) -> Iterable[Watch]:
        yield Watch(FileWatch, self._noted)
        yield Watch(ConfigMap, lambda obj: [Key("", name) for name in self._switched.get(obj.name, ())])

    async def reconcile(self, turn: Turn[FileWatch]) -> Outcome:
        watch, before = turn.obj, turn.obj.status
        switch = disable_status(watch.spec.disable_source, turn, before.disable_status, turn.now)
        if switch is not None and switch.disabled:
            await turn.tasks.end(_WATCH)
            return Outcome(FileWatchStatus(disable_status=switch))
        cause = watch.metadata.uid, fingerprint.of_step(watch)
        task = turn.tasks.ensure(_WATCH, cause, partial(self._watch, watch))
        found = task.value if isinstance(task.value, FileWatchStatus) else before
        if task.error is not None:
            found = found.model_copy(update={"error": f"watching ended by an error of ours: {task.error!r}"})
        return Outcome(found.model_copy(update={"disable_status": switch}))

    async def _watch(self, watch: FileWatch, report: Callable[[FileWatchStatus], None]) -> None:
        """Watch until cancelled; what fails is tried again after a growing pause."""
        status, pause = watch.status, AGAIN_SECONDS
        rules = [Ignore(Path(rule.base_path), rule.patterns) for rule in watch.spec.ignores]
        whole = {rule.base_path for rule in watch.spec.ignores if not rule.patterns}

        def ignored(path: str) -> bool:
            if path.rstrip("/") in whole:
                return True
            if path.endswith("/"):
                return any(rule.covers(Path(path)) and rule.prunes(Path(path)) for rule in rules)
            return any(rule.covers(Path(path)) for rule in rules)

        def begun() -> None:
            nonlocal status, pause
            pause = AGAIN_SECONDS
            status = status.model_copy(update={"monitor_start_time": self._clock(), "error": ""})
            report(status)

        def heard(files: tuple[str, ...]) -> None:
            nonlocal status
            event = FileEvent(time=self._clock(), seen_files=files)
            events = (*status.file_events, event)[-KEPT_EVENTS:]
            status = status.model_copy(update={"file_events": events, "last_event_time": event.time})
            report(status)

        while True:
            try:
                await hear(watch.spec.watched_paths, ignored, begun, heard)
            except (WatchFailed, OSError) as error:
                status = status.model_copy(update={"error": error.strerror or str(error)})
                report(status)
            await anyio.sleep(pause)
            pause = min(pause * 2, LONGEST_SECONDS)

    def _noted(self, obj: Object) -> Iterable[Key]:
        """Take note of which FileWatches a ConfigMap switches; wakes nobody."""
        if isinstance(obj, FileWatch) and obj.spec.disable_source is not None:
            for source in sources_of(obj.spec.disable_source):
                self._switched.setdefault(source.name, set()).add(obj.name)
        return ()
