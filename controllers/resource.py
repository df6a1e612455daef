"""The Resource controller: asks for a place, has the steps made in order, and says how the resource is doing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace

from upright.controllers import serving
from upright.controllers.fingerprint import AHEAD
from upright.controllers.judge import Judge
from upright.controllers.resource_decision import Place, Seen, begun, status_of_update
from upright.controllers.runtime.controller import Controller, Outcome, Watch
from upright.controllers.runtime.queue import Key
from upright.controllers.scheduler import EARLY, Scheduler, Wish, early, wish
from upright.controllers.switches import is_disabled
from upright.controllers.unfinished import Unfinished
from upright.controllers.update import (
    Update,
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
from upright.controllers.verdict.custom_resources import is_custom
from upright.controllers.verdict.phases import phases_now
from upright.controllers.verdict.workloads import group_of
from upright.openapi.v1alpha1.cluster import Cluster
from upright.openapi.v1alpha1.cmd import Cmd
from upright.openapi.v1alpha1.cmd_image import CmdImage
from upright.openapi.v1alpha1.config_map import ConfigMap
from upright.openapi.v1alpha1.docker_compose_service import DockerComposeService
from upright.openapi.v1alpha1.docker_image import DockerImage
from upright.openapi.v1alpha1.image_map import ImageMap
from upright.openapi.v1alpha1.kubernetes_apply import KubernetesApply
from upright.openapi.v1alpha1.kubernetes_discovery import KubernetesDiscovery
from upright.openapi.v1alpha1.resource import TILTFILE, Resource
from upright.openapi.v1alpha1.session import Session
from upright.openapi.v1alpha1.tiltfile import Tiltfile, TiltfileStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from upright.controllers.resource_decision import Decided
    from upright.controllers.runtime.turn import Turn
    from upright.controllers.update import Find
    from upright.controllers.world.logs import Logs
    from upright.openapi.meta import Object
    from upright.openapi.v1alpha1.limits import Limits

HOLD_REFRESH_SECONDS = 5.0
"""How often a resource that has no place looks again why: who is in its way changes without telling it."""
_NOTHING_YET = Update("running", (), ())
STEPS: tuple[type[Object], ...] = (Cmd, DockerImage, CmdImage, KubernetesApply, DockerComposeService)


class ResourceController(Controller[Resource]):
    """Brings each resource up: update when it has a place, then watch over what runs.

    ``tail`` returns the last lines of a log span, for failure cards.
    """

    kind: ClassVar[type[Object]] = Resource
    heeds_status: ClassVar[bool] = False
    owns: ClassVar[tuple[type[Object], ...]] = STEPS
    reads: ClassVar[tuple[type[Object], ...]] = (Session, Tiltfile)

    def __init__(self, logs: Logs, tail: Callable[[str, int], Sequence[str]], judge: Judge | None = None) -> None:
        self._judge = judge or Judge()
        self.scheduler = Scheduler(wake=lambda name: self.wake(Key("", name.removesuffix(EARLY))))
        self._logs = logs
        self._tail = tail
        self._unfinished = Unfinished()
        self._troubled: set[str] = set()
        self._custom: bool | None = None  # not looked yet: another server may have applied some
        self._causes: dict[str, tuple[tuple[str, int, str], str]] = {}

    def watches(self) -> Iterable[Watch]:
        yield Watch(Resource, self._seen)
        yield Watch(ConfigMap, self._switched)
        yield Watch(ImageMap, self._users_of)
        yield Watch(KubernetesDiscovery, lambda obj: (Key("", obj.name),))
        yield Watch(Cluster, self._cluster_seen)
        yield Watch(Tiltfile, self._tiltfile_seen)

    async def reconcile(self, turn: Turn[Resource]) -> Outcome:
        seen, ahead = self._look(turn)
        self._tell(seen)
        decided = self._judge.resource(seen, self._tail)
        if seen.disabled:
            self._unfinished.forget(seen.resource.name)
        (self._troubled.add if decided.troubled else self._troubled.discard)(seen.resource.name)
        await self._act(turn, seen, decided, ahead)
        return Outcome(decided.status, _look_again(seen, decided.times))

    def _look(self, turn: Turn[Resource]) -> tuple[Seen, tuple[Object, ...]]:
        """Gather all that the decision is made of, and what is to be built already while the resource is held.

        A place is asked for here, as only who has one may begin.
        """
        resource = turn.obj
        if resource.spec.kind == "tiltfile":
            tiltfile = turn.get(Tiltfile, resource.name)
            executed = tiltfile.status if tiltfile is not None else TiltfileStatus()
            return Seen(resource, turn.now, executed=executed), ()
        if is_disabled(resource.spec.disable_source, turn):
            return Seen(resource, turn.now, disabled=True), ()
        limits = self._session_limits(turn)
        place, ahead = self._place(turn)
        status = begun(resource, place.cause, turn.now) if place.begins else resource.status
        going = None
        if status.current_build is not None:
            limited = with_apply_limit(resource, in_force(resource.spec.limits, limits).apply_timeout)
            going = update(limited, status.triggered, turn.get)
        phases = tuple(phases_now(resource, update_cmd_name(resource), turn.get))
        seen = Seen(resource, turn.now, limits, place, going, phases=phases)
        return self._running(turn, seen), ahead

    def _running(self, turn: Turn[Resource], seen: Seen) -> Seen:
        """Return what is seen with what runs since the update."""
        resource = seen.resource
        if resource.spec.local is not None:
            name = serving.serve_cmd_name(resource, status_of_update(seen).serve_run)
            return replace(seen, server=turn.get(Cmd, name))
        busy = self._unfinished.could_help(resource.name)
        if resource.spec.kubernetes is None:
            return replace(seen, compose=turn.get(DockerComposeService, resource.name), busy=busy)
        apply = turn.get(KubernetesApply, resource.name)
        if not self._custom:
            unknown = turn.all(KubernetesApply) if self._custom is None else (apply,) if apply is not None else ()
            self._custom = any(is_custom(group_of(obj)) for one in unknown for obj in one.status.objects)
        return replace(
            seen,
            apply=apply,
            custom=self._custom,
            discovery=turn.get(KubernetesDiscovery, resource.name),
            busy=busy,
        )

    def _place(self, turn: Turn[Resource]) -> tuple[Place, tuple[Object, ...]]:
        """Say how the next update stands: whether it is due, and has a place to begin; and what is built meanwhile."""
        resource, status = turn.obj, turn.obj.status
        cause = self._cause(resource)
        wanted = resource.spec.auto_init or status.triggered != "" or trigger_of(resource) != ""
        due = status.triggered != cause and wanted
        if not due or status.current_build is not None:
            return Place(cause, due), ()
        mine = wish(resource)
        ahead = self._ahead(turn, cause, mine) if not self.scheduler.ask(mine) else None
        if ahead is not None and ahead.state != "failed":
            return Place(cause, due, hold=self.scheduler.hold(mine)), ahead.objects
        self.scheduler.release(mine.name + EARLY)
        return Place(cause, due, begins=True), ()

    def _ahead(self, turn: Turn[Resource], cause: str, mine: Wish) -> Update:
        """Return how the images are going that are built while the resource waits for what only its deploying needs.

        What is built ahead of local resources that may write what it reads warms the caches only: it is built again when
        they are done, which is no work if what it reads is the same.
        """
        if not mine.images or not _may_build(turn.obj, turn.get):
            return _NOTHING_YET
        counts = not locals_ahead(turn.obj, turn.get)
        going = builds(turn.obj, cause if counts else cause + AHEAD, turn.get)
        if going.state == "running":
            return going if self.scheduler.ask(early(mine)) else _NOTHING_YET
        self.scheduler.release(mine.name + EARLY, well=counts and going.state == "done")
        return replace(going, objects=()) if counts else _NOTHING_YET

    def _tell(self, seen: Seen) -> None:
        """Say in the log that the update begins or failed, and to the scheduler how it is going."""
        resource, going = seen.resource, seen.going
        if seen.place.begins:
            writer = self._logs.open(f"build:{resource.name}", resource.name)
            writer.write(build_reason(resource), fields={"buildEvent": "init"})
        if seen.disabled:
            self.scheduler.release(resource.name)
            self.scheduler.release(resource.name + EARLY)
        if going is None:
            return
        if going.state == "running":
            self.scheduler.take(wish(resource))
            return
        self.scheduler.release(resource.name, well=going.state == "done")
        if going.state == "failed":
            writer = self._logs.open(f"build:{resource.name}", resource.name)
            writer.write(f"Build Failed: {going.error}", level="ERROR", fields={"rule": going.rule})

    async def _act(self, turn: Turn[Resource], seen: Seen, decided: Decided, ahead: tuple[Object, ...]) -> None:
        """Have the steps that should be there by now, and the server once its update is done."""
        if ahead:
            await turn.apply(ahead)
        if seen.disabled:
            await turn.apply((), prune=STEPS)
        if seen.going is not None:
            await turn.apply(seen.going.objects)
        if decided.server is not None:
            await self._start_server(turn, decided.server)

    def _cause(self, resource: Resource) -> str:
        """Return ``cause_of`` the resource, computed once for each of its generations and triggers."""
        meta = resource.metadata
        inputs = (meta.uid, meta.generation, trigger_of(resource))
        known = self._causes.get(resource.name)
        if known is None or known[0] != inputs:
            known = self._causes[resource.name] = (inputs, cause_of(resource))
        return known[1]

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


def _look_again(seen: Seen, times: Iterable[datetime]) -> float | None:
    """Return the seconds until the same observations may come to something else."""
    pauses = [HOLD_REFRESH_SECONDS] if seen.place.hold is not None else []
    pauses += [max((at - seen.now) / timedelta(seconds=1), 0.001) for at in times]
    return min(pauses, default=None)
