"""The Compose projects of a run: each read once by Compose itself, marked as this run's, and brought up service by service."""

from __future__ import annotations

import json
from contextlib import suppress
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import anyio
from msgspec import Struct

from upright.controllers import fingerprint
from upright.controllers.world.compose import ComposeFailed, ComposeProgram, find_compose
from upright.controllers.world.engine.errors import EngineError, ImageNotFound
from upright.controllers.world.output import Lines
from upright.controllers.world.processes import Command, StartFailed, capture, run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from upright.controllers.engines import Engines
    from upright.controllers.world.engine.protocol import Container, Engine, Labels
    from upright.controllers.world.logs import LogWriter
    from upright.controllers.world.processes import Processes
    from upright.openapi.meta import Json
    from upright.openapi.v1alpha1.docker_compose_service import DockerComposeProject, DockerComposeServiceSpec

PROJECT_LABEL, SERVICE_LABEL = "com.docker.compose.project", "com.docker.compose.service"
END_SECONDS = 10.0
_GRACE_SECONDS = 3.0
_COMMAND_GRACE_SECONDS = 2.0
_LAST_LINES = 5


class _Opened(Struct, frozen=True):
    """A project as Compose reads it: its whole model, its variables filled in and its paths absolute."""

    name: str
    model: Json


class ComposeProjects:
    """Brings services up and takes them down. ``labels`` mark all that is made, so that it can be found and removed.

    ``environment`` is what every local command gets, ``folder`` is for files that may hold secrets.
    """

    def __init__(
        self,
        engines: Engines,
        processes: Processes,
        environment: Callable[[], Mapping[str, str]],
        folder: Path,
        labels: Labels,
    ) -> None:
        self.engines = engines
        self._processes = processes
        self._environment = environment
        self._folder = folder
        self._labels = dict(labels)
        self._program: ComposeProgram | None = None
        self._opened: dict[str, _Opened] = {}
        self._opening = anyio.Lock()
        self._one_up = anyio.Lock()
        self._used = False

    async def up(self, spec: DockerComposeServiceSpec, images: Mapping[str, str], log: LogWriter) -> int:
        """Have the service's containers started, with images of ours in place of its own; return how many there should be.

        ``images``: the reference of our image by the service it is for. Raises ComposeFailed, NoCompose, EngineError.
        """
        engine = await self.engines.get()
        opened = await self._open(spec.project, engine)
        service = opened.model["services"].get(spec.service)
        if service is None:
            raise ComposeFailed(f'there is no service "{spec.service}" in project {opened.name}')
        file = self._write(opened, spec.service, images.get(spec.service, ""))
        compose = self._command(opened.name, spec.project, file, engine)
        if service.get("build") and spec.service not in images:
            await self._run(compose("build", spec.service), log)
        elif not images.get(spec.service) and service.get("pull_policy") not in {"never", "build"}:
            await self._pull(engine, str(service.get("image") or ""), compose("pull", "--quiet", spec.service), log)
        async with self._one_up:  # Compose would race with itself for the project's networks and volumes
            self._used = True
            await self._run(compose("up", "--no-deps", "--no-build", "--detach", spec.service), log)
        return _replicas(service)

    async def _pull(self, engine: Engine, image: str, command: Command, log: LogWriter) -> None:
        try:
            await engine.image(image)
        except ImageNotFound:
            log.write(f"Pulling {image}")
            await self._run(command, log)

    def taken_over(self) -> None:
        """Hear that an earlier server of this run has made containers: they are to be removed in the end too."""
        self._used = True

    async def containers(self, spec: DockerComposeServiceSpec) -> list[Container]:
        """Return the service's containers in the order of their names."""
        engine = await self.engines.get()
        found: list[Container] = []
        for one in await engine.containers(self.labels_of(spec)):
            with suppress(EngineError):  # gone meanwhile
                found.append(await engine.container(one.id))
        return sorted(found, key=lambda one: (len(one.name), one.name))

    def labels_of(self, spec: DockerComposeServiceSpec) -> dict[str, str]:
        """Return the labels by which the service's containers are known."""
        return {**self._labels, PROJECT_LABEL: spec.project.name, SERVICE_LABEL: spec.service}

    async def remove(self, spec: DockerComposeServiceSpec) -> None:
        """Stop and remove the service's containers; what else the project has stays."""
        engine = await self.engines.get()
        await _stopped(engine, await engine.containers(self.labels_of(spec)))
        for one in await engine.containers(self.labels_of(spec)):
            await engine.remove(one.id)

    async def close(self, engine: Engine) -> None:
        """Remove all that this run has made, with its volumes and networks; in a private engine it ends with the engine."""
        if not self._used or engine.info.private:
            return
        with anyio.move_on_after(END_SECONDS, shield=True), suppress(EngineError):
            await _stopped(engine, await engine.containers(self._labels))
            await engine.reap(self._labels)

    async def _open(self, project: DockerComposeProject, engine: Engine) -> _Opened:
        key = fingerprint.of_spec(project)
        async with self._opening:
            if key not in self._opened:
                self._program = self._program or await find_compose(self._processes, self._environment())
                await self._refuse_strangers(project.name, engine)
                self._opened[key] = _Opened(project.name, self._marked(await self._model(project, key)))
            return self._opened[key]

    async def _refuse_strangers(self, name: str, engine: Engine) -> None:
        """Leave a project alone that somebody else has brought up: our services would take the place of theirs."""
        theirs = [
            one.name
            for one in await engine.containers({PROJECT_LABEL: name})
            if not self._labels.items() <= dict(one.labels).items()
        ]
        if theirs:
            raise ComposeFailed(
                f"the Compose project {name} is there already ({', '.join(sorted(theirs))}), and not from this run: "
                f'end it with "docker compose -p {name} down", or say docker_compose(…, project_name="another")'
            )

    async def _model(self, project: DockerComposeProject, key: str) -> Json:
        files = list(project.config_paths)
        if project.yaml:
            file = self._folder / f"compose-{key}.yml"
            _write_private(file, project.yaml)
            files = [str(file)]
        argv = [*self._argv(project.name, project)]
        for file_name in files:
            argv += ["--file", file_name]
        for profile in project.profiles:
            argv += ["--profile", profile]
        command = Command((*argv, "config", "--format", "json"), project.project_path, self._environment())
        try:
            answer = await capture(self._processes, command)
        except StartFailed as error:
            raise ComposeFailed(str(error)) from error
        if answer.exit.code:
            raise ComposeFailed(f"reading project {project.name}: {_last_words(answer.stderr)}")
        model: Json = json.loads(answer.stdout)
        return model

    def _marked(self, model: Json) -> Json:
        """Return the model with our labels on all that it makes."""
        for kind in ("services", "networks", "volumes"):
            for name, body in (model.get(kind) or {}).items():
                known: Json = body or {}
                if not known.get("external"):
                    model[kind][name] = {**known, "labels": {**(known.get("labels") or {}), **self._labels}}
        return model

    def _write(self, opened: _Opened, service: str, image: str) -> Path:
        """Write the model for one service's sake, with our image in place of what it would build or pull."""
        model = deepcopy(opened.model)
        if image:
            body = model["services"][service]
            body.pop("build", None)
            body |= {"image": image, "pull_policy": "never"}
        file = self._folder / f"compose-{opened.name}-{service}.json"
        _write_private(file, json.dumps(model))
        return file

    def _command(self, name: str, project: DockerComposeProject, file: Path, engine: Engine) -> Callable[..., Command]:
        environment = {n: v for n, v in self._environment().items() if not n.startswith(("COMPOSE_", "DOCKER_CONTEXT"))}
        environment |= {"DOCKER_HOST": engine.info.address}

        def made(*words: str) -> Command:
            argv = (*self._argv(name, project), "--progress", "plain", "--file", str(file), *words)
            return Command(argv, project.project_path, environment)

        return made

    def _argv(self, name: str, project: DockerComposeProject) -> Sequence[str]:
        program = self._program.argv if self._program is not None else ()
        argv = [*program, "--project-name", name]
        if project.project_path:
            argv += ["--project-directory", project.project_path]
        if project.env_file:
            argv += ["--env-file", project.env_file]
        return argv

    async def _run(self, command: Command, log: LogWriter) -> None:
        """Run Compose with its output in the log. Raises ComposeFailed with its last words."""
        said: list[str] = []

        def hear(text: str) -> None:
            log.write(text)
            said.extend(line for line in text.splitlines() if line.strip())
            del said[:-_LAST_LINES]

        lines = Lines(hear)
        try:
            ended = await run(self._processes, command, lines, grace=_COMMAND_GRACE_SECONDS)
        except StartFailed as error:
            raise ComposeFailed(str(error)) from error
        finally:
            lines.close()
        if ended.code:
            raise ComposeFailed(said[-1].strip() if said else f"docker compose {ended.reason}")


async def _stopped(engine: Engine, containers: Sequence[Container]) -> None:
    """Let containers end by themselves, all at once, for a moment."""

    async def stop(one: Container) -> None:
        with suppress(EngineError):
            await engine.stop(one.id, _GRACE_SECONDS)

    async with anyio.create_task_group() as group:
        for one in containers:
            if one.state in {"running", "restarting", "paused"}:
                group.start_soon(stop, one)


def _replicas(service: Mapping[str, Any]) -> int:
    said = service.get("scale")
    deploy = (service.get("deploy") or {}).get("replicas")
    return int(said if said is not None else deploy if deploy is not None else 1)


def _last_words(said: bytes) -> str:
    lines = [line for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it said nothing"


def _write_private(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")
