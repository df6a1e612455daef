"""The Tiltfile controller: executes the Tiltfile, and has the objects it describes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import Struct

from upright.controllers import fingerprint
from upright.controllers.clusters import DOCKER_CLUSTER
from upright.controllers.runtime.controller import Controller, Outcome
from upright.controllers.tiltfile.extensions import unloaded
from upright.openapi.meta import Object, ObjectMeta
from upright.openapi.v1alpha1.cluster import Cluster, ClusterConnection, ClusterSpec, DockerConnection
from upright.openapi.v1alpha1.cmd import Cmd
from upright.openapi.v1alpha1.config_map import ConfigMap
from upright.openapi.v1alpha1.extension import Extension
from upright.openapi.v1alpha1.extension_repo import ExtensionRepo
from upright.openapi.v1alpha1.file_watch import FileWatch
from upright.openapi.v1alpha1.image_map import ImageMap
from upright.openapi.v1alpha1.kubernetes_apply import KubernetesApply
from upright.openapi.v1alpha1.kubernetes_discovery import KubernetesDiscovery
from upright.openapi.v1alpha1.resource import Resource, ResourceSpec
from upright.openapi.v1alpha1.tiltfile import Tiltfile, TiltfileRunning, TiltfileStatus, TiltfileTerminated
from upright.openapi.v1alpha1.ui_button import UIButton

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from datetime import datetime

    from upright.controllers.runtime.turn import Turn
    from upright.controllers.tiltfile.evaluate import Evaluation
    from upright.controllers.world.logs import Logs
    from upright.openapi.v1alpha1.cluster import KubernetesConnection


MADE: tuple[type[Object], ...] = (
    Cmd,
    Extension,
    ExtensionRepo,
    FileWatch,
    KubernetesApply,
    KubernetesDiscovery,
    UIButton,
)
"""Kinds of which a Tiltfile may make objects of its own."""


class _Ran(Struct, frozen=True):
    evaluation: Evaluation | None
    error: str
    started: datetime
    finished: datetime


class TiltfileController(Controller[Tiltfile]):
    """Executes each Tiltfile once for each spec.

    ``execute`` runs it in a thread of its own and returns what it came to. ``connection`` is the cluster that
    Kubernetes resources go to.
    """

    kind: ClassVar[type[Object]] = Tiltfile
    heeds_status: ClassVar[bool] = False
    owns: ClassVar[tuple[type[Object], ...]] = (Resource, ImageMap, Cluster, ConfigMap, *MADE)

    def __init__(
        self,
        execute: Callable[[Tiltfile], Awaitable[Evaluation]],
        connection: KubernetesConnection,
        logs: Logs,
        clock: Callable[[], datetime],
    ) -> None:
        self._execute = execute
        self._connection = connection
        self._logs = logs
        self._clock = clock

    async def reconcile(self, turn: Turn[Tiltfile]) -> Outcome:
        tiltfile = turn.obj
        print_ = fingerprint.of_step(tiltfile)
        if tiltfile.status.ran == print_ and tiltfile.status.terminated is not None:
            return Outcome()
        view = turn.tasks.ensure("execute", print_, partial(self._run, tiltfile))
        if not view.done:
            running = TiltfileRunning(started_at=view.value)
            return Outcome(tiltfile.status.model_copy(update={"running": running, "waiting": None}))
        ran = view.result or _Ran(None, str(view.error), turn.now, turn.now)
        if ran.evaluation is None or ran.error:
            return Outcome(_ended(ran, print_))
        wanted = [one for one in self._wanted(turn, ran.evaluation) if not self._taken(turn, one)]
        if unloaded(wanted):  # they have Tiltfiles of their own, which come second
            await turn.apply([one for one in wanted if not isinstance(one, Extension)])
        await turn.apply(wanted, prune=(Resource, ImageMap, *MADE))
        return Outcome(_ended(ran, print_))

    async def _run(self, tiltfile: Tiltfile, report: Callable[[Any], None]) -> _Ran:
        started = self._clock()
        report(started)
        log = self._logs.open(f"tiltfile:{tiltfile.name}:1", tiltfile.name)
        evaluation = await self._execute(tiltfile)
        finished = self._clock()
        if evaluation.error is not None:
            log.write(str(evaluation.error), level="ERROR")
            return _Ran(evaluation, str(evaluation.error), started, finished)
        log.write(f"Successfully loaded Tiltfile ({(finished - started).total_seconds() * 1000:.3f}ms)")
        return _Ran(evaluation, "", started, finished)

    def _taken(self, turn: Turn[Tiltfile], obj: Object) -> bool:
        """Whether another Tiltfile has the object already: the first to describe it keeps it."""
        there = turn.get(type(obj), obj.name)
        owners = there.metadata.owner_references if there is not None else ()
        others = [one.name for one in owners if one.kind == "Tiltfile" and one.uid != turn.obj.metadata.uid]
        if others and isinstance(obj, Resource):
            told = f"Resource {obj.name} defined in two tiltfiles: {others[0]}, {turn.obj.name}"
            self._logs.open(f"tiltfile:{turn.obj.name}:1", turn.obj.name).write(told, level="ERROR")
        return bool(others)

    def _wanted(self, turn: Turn[Tiltfile], evaluation: Evaluation) -> Iterable[Object]:
        labels = turn.obj.spec.labels
        yield Resource(metadata=ObjectMeta(name=turn.obj.name, labels=labels), spec=ResourceSpec(kind="tiltfile"))
        resources = evaluation.resources
        maps: dict[str, ImageMap] = {}
        if any(resource.spec.kind == "kubernetes" for resource in resources):
            spec = ClusterSpec(
                connection=ClusterConnection(kubernetes=self._connection),
                default_registry=evaluation.default_registry,
            )
            yield Cluster(metadata=ObjectMeta(name="default"), spec=spec)
        if any(resource.spec.needs_engine for resource in resources):
            engine = ClusterSpec(connection=ClusterConnection(docker=DockerConnection()))
            yield Cluster(metadata=ObjectMeta(name=DOCKER_CLUSTER), spec=engine)
        for resource in resources:
            for image in resource.spec.images:
                maps.setdefault(
                    image.image_map, ImageMap(metadata=ObjectMeta(name=image.image_map), spec=image.selector)
                )
        yield from maps.values()
        yield from (_labelled(one, labels) for one in evaluation.objects)


def _labelled(obj: Object, more: dict[str, str]) -> Object:
    """Return an object with the Tiltfile's labels, a resource with its own ones too: by them it is selected."""
    own = {label: label for label in obj.spec.labels} if isinstance(obj, Resource) else {}
    labels = more | own | obj.metadata.labels
    if labels == obj.metadata.labels:
        return obj
    return obj.model_copy(update={"metadata": obj.metadata.model_copy(update={"labels": labels})})


def _ended(ran: _Ran, print_: str) -> TiltfileStatus:
    found = ran.evaluation
    names = tuple(resource.name for resource in found.resources) if found is not None else ()
    return TiltfileStatus(
        terminated=TiltfileTerminated(
            error=ran.error,
            started_at=ran.started,
            finished_at=ran.finished,
            warning_count=len(found.warnings) if found is not None else 0,
            wrong_usage=found is not None and found.wrong_usage,
        ),
        ran=print_,
        settings=found.settings if found is not None else None,
        config_files=tuple(found.config_files) if found is not None else (),
        resources=names,
        extensions=unloaded(found.made) if found is not None else (),
    )
