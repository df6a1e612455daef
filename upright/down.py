"""Deletes what a Tiltfile deploys: from the cluster that a kubeconfig leads to, and from the container engine."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from upright.apiserver.clock import utc_now
from upright.cluster_choice import choose
from upright.controllers.apply_command import ApplyCommands, CommandFailed
from upright.controllers.compose_down import take_down
from upright.controllers.down import Down, plan
from upright.controllers.tiltfile.injection import applied_objects
from upright.controllers.world.compose import ComposeFailed, NoCompose
from upright.controllers.world.engine.errors import NoEngine
from upright.controllers.world.environment import base_environment
from upright.controllers.world.kubeconfig_files import choose_context
from upright.controllers.world.kubernetes import Ref
from upright.controllers.world.processes import LocalProcesses
from upright.openapi.errors import APIError, ServiceUnavailable
from upright.tiltfile import EXIT_TILTFILE, EXIT_USAGE, evaluated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from upright.client.cli.options import DownOptions
    from upright.controllers.world.kubernetes import Kubernetes
    from upright.openapi.meta import Json
    from upright.openapi.v1alpha1.cluster import KubernetesConnection
    from upright.openapi.v1alpha1.docker_compose_service import DockerComposeProject
    from upright.openapi.v1alpha1.kubernetes_apply import ApplyCmd

EXIT_FAILED = 1
EXIT_UNKNOWN = 3
DEFAULT_SECONDS = 30.0


def down(options: DownOptions) -> int:
    """Delete it and return the exit code."""
    found, _ = evaluated(options.tiltfile, said_later=not options.tiltfile.verbose)
    if found.error is not None:
        return EXIT_USAGE if found.wrong_usage else EXIT_TILTFILE
    wanted = plan(found.resources, found.enabled, delete_namespaces=options.delete_namespaces)
    limit = found.settings.k8s_upsert_timeout
    deleting = _Deleting(options, limit.total_seconds() if limit else DEFAULT_SECONDS)
    try:
        return anyio.run(partial(deleting.run, wanted))
    except ServiceUnavailable as error:
        sys.stderr.write(f"Error: {error}\n")
        return EXIT_UNKNOWN


class _Deleting:
    """``seconds`` is how long the objects may take, and each command."""

    def __init__(self, options: DownOptions, seconds: float) -> None:
        self._options = options
        self._seconds = seconds
        self._failures: list[str] = []
        self._done = 0

    async def run(self, wanted: Down) -> int:
        """Delete all, whatever fails on the way, and return the exit code. Raises ServiceUnavailable: no such cluster."""
        _tell_what_stays(wanted)
        with tempfile.TemporaryDirectory(prefix="upright-down-") as made:
            async with LocalProcesses() as processes:
                if wanted.objects or wanted.commands:
                    await self._kubernetes(wanted, Path(made), processes)
                if wanted.projects:
                    await self._compose(wanted.projects, Path(made), processes)
        for failure in self._failures:
            sys.stderr.write(f"Error: {failure}\n")
        if not self._done and not self._failures:
            _note("There was nothing to delete.")
        return EXIT_FAILED if self._failures else 0

    async def _kubernetes(self, wanted: Down, folder: Path, processes: LocalProcesses) -> None:
        asked = self._options.tiltfile
        connection = choose(asked.cluster, asked.namespace, os.environ)
        if connection.embedded:
            self._embedded()
            return
        from upright.controllers.world.kubeconfig_cluster import kubeconfig_cluster  # noqa: PLC0415  reason: heavy

        context = choose_context(connection.context, asked.namespace, os.environ)
        async with kubeconfig_cluster(context, folder / "kubeconfig", utc_now) as cluster:
            await cluster.connect()
            await self._objects(cluster, wanted.objects, context.namespace)
        for command in wanted.commands:
            await self._command(command, _environment(connection, folder / "kubeconfig"), processes)

    def _embedded(self) -> None:
        """Say what becomes of things in the embedded cluster, which nobody reaches but the run that has it."""
        if not self._options.running:
            _note("What was deployed to the embedded cluster ended with the run that had it.")
            return
        ports = " and ".join(map(str, self._options.running))
        self._failures.append(
            f"what the upright on port {ports} has deployed is in its embedded cluster, and ends with it: "
            f'interrupt it, or say "upright disable --all --port {self._options.running[0]}"'
        )

    async def _objects(self, cluster: Kubernetes, objects: Sequence[Json], namespace: str) -> None:
        try:
            with anyio.fail_after(self._seconds):
                for obj in objects:
                    await self._object(cluster, obj, namespace)
        except TimeoutError:
            told = "see update_settings(k8s_upsert_timeout_secs=…)"
            self._failures.append(f"deleting took more than {self._seconds:g}s: {told}")

    async def _object(self, cluster: Kubernetes, obj: Json, namespace: str) -> None:
        meta: Json = obj.get("metadata") or {}
        space = str(meta.get("namespace") or namespace)
        ref = Ref(str(obj["apiVersion"]), str(obj["kind"]), str(meta.get("name") or ""), space)
        try:
            if await cluster.delete(ref):
                self._say(f"{_display(obj)} deleted")
        except APIError as error:
            self._failures.append(f"{_display(obj)}: {error.message}")

    async def _command(self, command: ApplyCmd, environment: dict[str, str], processes: LocalProcesses) -> None:
        commands = ApplyCommands(processes, lambda: environment, applied_objects)
        try:
            with anyio.fail_after(self._seconds):
                await commands.delete(command, _Told())
            self._done += 1
        except TimeoutError:
            self._failures.append(f"delete command took more than {self._seconds:g}s: {' '.join(command.args)}")
        except CommandFailed as error:
            self._failures.append(f"{error}: {' '.join(command.args)}")

    async def _compose(self, projects: Sequence[DockerComposeProject], folder: Path, processes: LocalProcesses) -> None:
        from upright.controllers.world.engine.find import find_engine  # noqa: PLC0415  reason: heavy, only where used

        names = ", ".join(project.name for project in projects)
        try:
            async with find_engine("host", state_dir=folder, run_id="down", say=_note) as engine:
                environment = {**_environment(None, folder), "DOCKER_HOST": engine.info.address}
                for project in projects:
                    with suppress(KeyError):
                        del environment["DOCKER_CONTEXT"]
                    await take_down(
                        project, processes, environment, folder, _note, volumes=self._options.delete_volumes
                    )
                    self._say(f"compose project {project.name} taken down")
        except NoEngine:
            _note(f"No container engine is there: nothing can be left of the Compose project {names}.")
        except (ComposeFailed, NoCompose) as error:
            self._failures.append(str(error))

    def _say(self, text: str) -> None:
        self._done += 1
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


class _Told:
    """What a command says goes to stderr."""

    def write(self, text: str, **_how: object) -> None:
        _note(text.removesuffix("\n"))


def _tell_what_stays(wanted: Down) -> None:
    if wanted.kept:
        _note(f"Kept, as their annotations say: {', '.join(map(_display, wanted.kept))}")
    if wanted.namespaces:
        names = ", ".join(str(obj["metadata"]["name"]) for obj in wanted.namespaces)
        _note(f"Not deleting namespaces: {names}\nRun with --delete-namespaces to delete namespaces as well.")


def _environment(connection: KubernetesConnection | None, kubeconfig: Path) -> dict[str, str]:
    frozen = str(kubeconfig) if connection is not None else ""
    return dict(base_environment(os.environ, kubeconfig=frozen, host="localhost"))


def _display(obj: Json) -> str:
    group = str(obj.get("apiVersion", "")).rpartition("/")[0]
    return f"{str(obj['kind']).lower()}{f'.{group}' if group else ''}/{(obj.get('metadata') or {}).get('name', '')}"


def _note(text: str) -> None:
    sys.stderr.write(f"{text}\n")
