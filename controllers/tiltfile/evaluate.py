"""Executes a Tiltfile: from its path and the facts of the run to objects, settings, and what it depends on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from upright.controllers.tiltfile.language.errors import Failure, Interrupted, TiltfileError
from upright.controllers.tiltfile.language.interpreter import Interpreter, absolute
from upright.controllers.tiltfile.project import Project
from upright.controllers.tiltfile.resources import enabled_names, make_resources, make_switches
from upright.controllers.tiltfile.vocabulary import KNOWN, value_of
from upright.openapi.v1alpha1.tiltfile import TiltfileSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from upright.controllers.tiltfile.language.cancellation import Cancellation
    from upright.controllers.tiltfile.noted import Noted
    from upright.controllers.tiltfile.project import Facts, Level, RunLocal
    from upright.controllers.tiltfile.timings import Timings
    from upright.openapi.meta import Object
    from upright.openapi.v1alpha1.cluster import RegistryHosting
    from upright.openapi.v1alpha1.config_map import ConfigMap
    from upright.openapi.v1alpha1.live_update import LiveUpdateSpec
    from upright.openapi.v1alpha1.resource import Resource, ResourceImage


class Secret(Struct, frozen=True):
    """One value of a Secret in the YAML, to be kept out of logs."""

    name: str
    key: str
    value: bytes


class Evaluation(Struct, frozen=True, kw_only=True):
    """What a Tiltfile came to.

    ``error``: it failed; then there are no objects, but the other fields say how far it came, so that its files can
    be watched. ``wrong_usage``: it is the command line's fault: a name or flag that the Tiltfile does not know. ``resources`` are complete, in Tilt's order; ``switches`` are the ConfigMaps by which each is on or
    off; ``made`` are objects of its own (v1alpha1.…); ``objects`` is all of these. ``enabled`` names those that run. ``config_files`` are absolute paths, files that are
    missing included. ``warnings`` were logged already. ``environ`` is what the Tiltfile changed in os.environ (None:
    removed); commands in the resources have it in their env. ``files`` were executed, in this order; ``noted`` is what
    does not change a run; ``targets`` are all images of a resource, also those that are only updated in what runs.
    """

    error: TiltfileError | None = None
    wrong_usage: bool = False
    resources: tuple[Resource, ...] = ()
    switches: tuple[ConfigMap, ...] = ()
    made: tuple[Object, ...] = ()
    enabled: tuple[str, ...] = ()
    settings: TiltfileSettings
    default_registry: RegistryHosting | None = None
    config_files: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    secrets: tuple[Secret, ...] = ()
    environ: dict[str, str | None]
    noted: Noted
    files: tuple[str, ...] = ()
    targets: dict[str, tuple[tuple[ResourceImage, LiveUpdateSpec | None], ...]]

    @property
    def objects(self) -> tuple[Object, ...]:
        """Everything to apply."""
        return (*self.switches, *self.made, *self.resources)


def evaluate(
    path: str,
    facts: Facts,
    *,
    log: Callable[[str, Level], None],
    run_local: RunLocal,
    cancellation: Cancellation | None = None,
    timings: Timings | None = None,
) -> Evaluation:
    """Execute the Tiltfile at ``path`` and return what it came to; it raises nothing.

    Synchronous, and made for a worker thread: ``log`` and ``run_local`` are called in it. Nothing outside is touched
    but what the Tiltfile asks for: files are read, and ``local()`` runs commands through ``run_local``.
    ``cancellation.cancel(reason)`` from any thread ends it with that reason as its error.
    """
    path = absolute(path, str(Path.cwd()))
    project = new_project(facts, log, run_local, cancellation)
    project.timings = timings or project.timings
    log(f"Loading Tiltfile at: {path}", "INFO")
    try:
        return _evaluated(path, project)
    except TiltfileError as error:
        return _outcome(project, error=error)
    except Interrupted as interrupted:
        return _outcome(project, error=interrupted.report or TiltfileError(str(interrupted)))


def new_project(
    facts: Facts, log: Callable[[str, Level], None], run_local: RunLocal, cancellation: Cancellation | None
) -> Project:
    """Return the state of an evaluation that has not begun."""
    interpreter = Interpreter(
        known=KNOWN,
        predeclared=lambda name: value_of(name, project),
        locate=lambda name, directory: _locate(project, name, directory),
        read=lambda path: project.read(path),  # noqa: PLW0108  reason: the project is made after its interpreter
        cancellation=cancellation,
    )
    project = Project(
        facts=facts,
        log=log,
        run_local=run_local,
        interpreter=interpreter,
        settings=TiltfileSettings(),
        environ=dict(facts.environ),
    )
    return project


def _locate(project: Project, name: str, directory: str) -> str:
    if name.startswith("ext://"):
        from upright.controllers.tiltfile.extensions import locate_extension  # noqa: PLC0415  reason: only where used

        return locate_extension(project, name)
    return absolute(name, directory)


def _evaluated(path: str, project: Project) -> Evaluation:
    if not Path(path).exists():
        project.watch(path)
        message = f"No Tiltfile found at paths '{path}'. Check out https://docs.tilt.dev/tutorial.html"
        raise TiltfileError(message)
    interpreter = project.interpreter
    interpreter.run(path)
    with interpreter.errors(), interpreter.cancellation:
        if project.unused_steps:
            from upright.controllers.tiltfile.live_updates import check_all_used  # noqa: PLC0415  reason: where used

            check_all_used(project)
        resources = make_resources(project)
        if project.objects:
            from upright.controllers.tiltfile.extensions import check_extensions  # noqa: PLC0415  reason: only where used

            check_extensions(project, resources)
        if not resources and project.facts.must_have_resources:
            raise Failure("No resources found. Check out https://docs.tilt.dev/tutorial.html to get started!")
        running = enabled_names(project, resources)
        return _outcome(
            project,
            resources=resources,
            enabled=running,
            switches=make_switches(resources, running, project.facts.args),
        )
    raise AssertionError  # pragma: no cover  reason: errors() lets nothing but exit() end quietly


def _outcome(
    project: Project,
    *,
    error: TiltfileError | None = None,
    resources: tuple[Resource, ...] = (),
    switches: tuple[ConfigMap, ...] = (),
    enabled: tuple[str, ...] = (),
) -> Evaluation:
    before = project.facts.environ
    changed: dict[str, str | None] = {
        name: value for name, value in project.environ.items() if before.get(name) != value
    }
    return Evaluation(
        error=error,
        wrong_usage=error is not None and project.wrong_usage,
        resources=resources,
        made=() if error else tuple(project.objects.values()),
        switches=switches,
        enabled=enabled,
        settings=project.settings,
        default_registry=project.default_registry,
        config_files=tuple(dict.fromkeys([*project.read_paths, *_ignore_files(project)])),
        warnings=tuple(project.warnings),
        secrets=_secrets(project),
        noted=project.noted,
        targets=project.targets,
        files=tuple(project.interpreter.sources),
        environ={**changed, **{name: None for name in before if name not in project.environ}},
    )


def _secrets(project: Project) -> tuple[Secret, ...]:
    if not project.scrub_secrets:
        return ()
    found = [(entity.name, key, value) for entity in project.entities for key, value in entity.secret_values()]
    return tuple(Secret(*one) for one in dict.fromkeys([*found, *project.learned_secrets]))


def _ignore_files(project: Project) -> list[str]:
    main = project.interpreter.main
    return [str(Path(main).parent / ".tiltignore")] if main else []
