"""Live updates: from the steps that a Tiltfile lists to what is to be copied and run, checked as Tilt checks it."""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.text import to_repr
from upright.controllers.tiltfile.language.values import HostValue, List, Set, Value, type_name
from upright.openapi.v1alpha1.live_update import LiveUpdateExec, LiveUpdateInitialSync, LiveUpdateSpec, LiveUpdateSync

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from upright.controllers.tiltfile.images import Image
    from upright.controllers.tiltfile.language.errors import Place
    from upright.controllers.tiltfile.project import Project

StepKind = Literal["initial_sync", "fall_back_on", "sync", "run", "restart_container"]
_ORDER: dict[StepKind, int] = {"initial_sync": 0, "fall_back_on": 1, "sync": 2, "run": 3, "restart_container": 4}
RESTART_IS_DEPRECATED = (
    "Found `restart_container()` LiveUpdate step in resource(s): [%s]. `restart_container()`  has been deprecated for "
    "k8s resources. We recommend the restart_process extension: "
    "https://github.com/tilt-dev/tilt-extensions/tree/master/restart_process. For more information, see "
    "https://docs.tilt.dev/live_update_reference.html#restarting-your-process"
)


class StepMeaning(Struct, frozen=True, kw_only=True):
    """What a step says; only the fields of its kind are filled in."""

    kind: StepKind
    place: Place | None
    paths: tuple[str, ...] = ()
    container_path: str = ""
    command: tuple[str, ...] = ()
    echo_off: bool = False


class LiveUpdateStep(HostValue):
    """What sync(), run() and the others return."""

    def __init__(self, meaning: StepMeaning, shown: str) -> None:
        self.meaning = meaning
        self.shown = shown

    def __str__(self) -> str:
        return self.shown


class _InitialSync(LiveUpdateStep):
    starlark_type = "live_update_initial_sync_step"


class _FallBackOn(LiveUpdateStep):
    starlark_type = "live_update_fall_back_on_step"


class _Sync(LiveUpdateStep):
    starlark_type = "live_update_sync_step"


class _Run(LiveUpdateStep):
    starlark_type = "live_update_run_step"


class _RestartContainer(LiveUpdateStep):
    starlark_type = "live_update_restart_container_step"


_TYPES: dict[StepKind, type[LiveUpdateStep]] = {
    "initial_sync": _InitialSync,
    "fall_back_on": _FallBackOn,
    "sync": _Sync,
    "run": _Run,
    "restart_container": _RestartContainer,
}


def new_step(project: Project, meaning: StepMeaning, shown: str) -> LiveUpdateStep:
    """Return the step, noted as one that some list has to use."""
    step = project.unused_steps[str(meaning.place)] = _TYPES[meaning.kind](meaning, shown)
    return step


def live_update(project: Project, steps: Value) -> LiveUpdateSpec | None:
    """Return what a list of steps comes to; None for no steps. Raises Failure for a wrong order or a wrong step."""
    try:
        return _live_update(project, steps)
    except Failure as failure:
        raise Failure(f"live_update: {failure}") from None


def _live_update(project: Project, steps: Value) -> LiveUpdateSpec | None:
    items = steps if isinstance(steps, List | tuple | Set) else [] if steps is None else [steps]
    meanings: list[StepMeaning] = []
    for item in items:
        if not isinstance(item, LiveUpdateStep):
            raise Failure(
                f"'steps' must be a list of live update steps - got value '{to_repr(item)}' of type '{type_name(item)}'"
            )
        meanings.append(item.meaning)
    if not meanings:
        return None
    _check_order([meaning.kind for meaning in meanings])
    for meaning in meanings:
        project.unused_steps.pop(str(meaning.place), None)
    spec = _spec(project.directory, meanings)
    problems = [f"{cause.field}: {cause.message}" for cause in spec.problems_at("spec")]
    if problems:
        raise Failure(problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]")
    return spec


def _check_order(kinds: Sequence[StepKind]) -> None:
    for index, kind in enumerate(kinds):
        highest = max((_ORDER[one] for one in kinds[:index]), default=-1)
        if kind == "initial_sync" and index:
            raise Failure("initial_sync must appear at most once, at the start of the list")
        if highest > _ORDER[kind]:
            if kind == "fall_back_on":
                raise Failure("fall_back_on steps must appear at the start of the list")
            if highest == _ORDER["restart_container"]:
                raise Failure("restart container is only valid as the last step")
            raise Failure("all sync steps must precede all run steps")


def _spec(base: str, meanings: Sequence[StepMeaning]) -> LiveUpdateSpec:
    kinds = {meaning.kind for meaning in meanings}
    return LiveUpdateSpec(
        base_path=base,
        stop_paths=tuple(
            os.path.relpath(path, base) for one in meanings if one.kind == "fall_back_on" for path in one.paths
        ),
        syncs=tuple(
            LiveUpdateSync(local_path=os.path.relpath(one.paths[0], base), container_path=one.container_path)
            for one in meanings
            if one.kind == "sync"
        ),
        execs=tuple(
            LiveUpdateExec(args=one.command, trigger_paths=one.paths, echo_off=one.echo_off)
            for one in meanings
            if one.kind == "run"
        ),
        restart="always" if "restart_container" in kinds else "",
        initial_sync=LiveUpdateInitialSync() if "initial_sync" in kinds else None,
    )


def check_all_used(project: Project) -> None:
    """Raise Failure if there are steps that are in no live_update list."""
    unused = project.unused_steps
    if unused:
        told = "\n\t".join(f"{place}: value '{step}' of type '{type_name(step)}'" for place, step in unused.items())
        first = next(iter(unused.values())).meaning.place
        raise Failure(
            f"found {len(unused)} live_update steps that were created but not used in a live_update:\n{told}", first
        )


def check_watched(image: Image, watched: Sequence[str]) -> None:
    """Raise Failure if the image's live update speaks of files whose changes nobody would notice."""
    spec = image.live_update
    if spec is None:
        return
    syncs = [("sync step source", sync.local_path) for sync in spec.syncs]
    for what, path in (*syncs, *(("fall_back_on path", path) for path in spec.stop_paths)):
        whole = os.path.normpath(PurePath(spec.base_path, path))
        if not any(PurePath(whole).is_relative_to(one) for one in watched):
            raise Failure(
                f"{what} '{whole}' is not a child of any watched filepaths ([{' '.join(watched)}])", image.place
            )


def restarts(spec: LiveUpdateSpec | None) -> bool:
    """Tell whether the live update restarts its container."""
    return spec is not None and spec.restart == "always"


def restarting(names: Iterable[tuple[str, LiveUpdateSpec | None]]) -> str:
    """Return what to say of the Kubernetes resources whose live updates restart a container; empty if none does."""
    found = [name for name, spec in names if restarts(spec)]
    return RESTART_IS_DEPRECATED % ", ".join(dict.fromkeys(found)) if found else ""
