"""Who gets what: the controllers of a run, with the world they act on."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from upright.apiserver.clock import utc_now
from upright.client.log_folder import Selection
from upright.cluster_choice import choose
from upright.controllers.apply_command import ApplyCommands
from upright.controllers.button_triggers import ButtonTriggers
from upright.controllers.cluster import ClusterController
from upright.controllers.clusters import Clusters
from upright.controllers.cmd import CmdController
from upright.controllers.cmd_image import CmdImageController
from upright.controllers.compose_projects import ComposeProjects
from upright.controllers.delivery import Delivery
from upright.controllers.docker_compose_log_stream import DockerComposeLogStreamController
from upright.controllers.docker_compose_service import DockerComposeServiceController
from upright.controllers.docker_image import DockerImageController
from upright.controllers.engines import Engines
from upright.controllers.extension import ExtensionController
from upright.controllers.extension_repo import ExtensionRepoController
from upright.controllers.file_watch import FileWatchController
from upright.controllers.image_map import ImageMapController
from upright.controllers.judge import Judge
from upright.controllers.known_builds import KnownBuilds
from upright.controllers.kubernetes_apply import KubernetesApplyController
from upright.controllers.kubernetes_discovery import KubernetesDiscoveryController
from upright.controllers.leftovers import reap_dead, run_labels
from upright.controllers.pod_log_stream import PodLogStreamController
from upright.controllers.port_forward import PortForwardController
from upright.controllers.published_ports import PublishedPorts
from upright.controllers.resource import ResourceController
from upright.controllers.tiltfile.controller import TiltfileController
from upright.controllers.tiltfile.execution import Execution
from upright.controllers.tiltfile.injection import applied_objects, prepare
from upright.controllers.tiltfile.project import Facts
from upright.controllers.toggle_button import ToggleButtonController
from upright.controllers.world.build_memory import BuildMemory
from upright.controllers.world.cluster_product import is_for_development
from upright.controllers.world.docker_credentials import registry_auth
from upright.controllers.world.engine.docker_commands import DockerCommands
from upright.controllers.world.environment import base_environment
from upright.controllers.world.kubeconfig_files import choose_context
from upright.openapi.errors import ServiceUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence

    from upright.client.cli.options import CiOptions
    from upright.controllers.runtime.controller import Controller
    from upright.controllers.world.engine.protocol import Engine
    from upright.controllers.world.kubeconfig_files import ChosenContext
    from upright.controllers.world.kubernetes import Kubernetes
    from upright.controllers.world.logs import Logs
    from upright.controllers.world.processes import LocalProcesses
    from upright.controllers.world.secrets import Secrets
    from upright.openapi.v1alpha1.cluster import ClusterSpec
    from upright.run_folder import RunFolder


class Wiring:
    """What the controllers of a run share: engine, clusters, logs, processes."""

    def __init__(
        self,
        options: CiOptions,
        folder: RunFolder,
        logs: Logs,
        processes: LocalProcesses,
        secrets: Secrets,
        *,
        port: int,
    ) -> None:
        self.options = options
        self.folder = folder
        self.logs = logs
        self.processes = processes
        self.secrets = secrets
        self.port = port
        self.judge = Judge()
        self.clusters = Clusters()
        self.connection = choose(options.cluster, options.namespace, os.environ)
        self.kubeconfig = (
            str(self._frozen) if self.connection.embedded else ""
        )  # never the user's, also not before it is written
        self._docker = DockerCommands(processes)
        self.engines = Engines(self._engine, self._docker.builder)
        self.labels = run_labels(folder.id)
        self.compose = ComposeProjects(self.engines, processes, self.environment, folder.cluster, self.labels)
        self._context: ChosenContext | None = None

    @property
    def ports(self) -> PublishedPorts:
        """What makes ports of Compose services reachable on this machine."""
        return PublishedPorts(self.engines, lambda text: self.logs.open("engine", "").write(text, level="WARN"))

    @property
    def known_builds(self) -> KnownBuilds:
        """What was built by earlier runs, remembered in the user's cache folder."""
        home = os.environ.get("XDG_CACHE_HOME") or f"{os.environ.get('HOME') or Path.home()}/.cache"
        memory = BuildMemory(Path(home, "upright", "builds"))
        return KnownBuilds(memory, lambda image: registry_auth(image, self.environment(), self.processes))

    def environment(self) -> dict[str, str]:
        """Return what local commands get."""
        colour = self.options.color and self.options.log not in {"plain", "json"}
        return base_environment(
            os.environ, kubeconfig=self.kubeconfig, host=self.options.host, port=self.port, colour=colour
        )

    def facts(self) -> Facts:
        """Return what a Tiltfile may ask about the run."""
        namespace, for_development = self.options.namespace or "default", True
        if not self.connection.embedded:
            with suppress(ServiceUnavailable):  # told when something is to be deployed
                context = self._chosen(self.connection.context)
                namespace, for_development = context.namespace, is_for_development(context.product)
        return Facts(
            subcommand="ci",
            environ=self.environment(),
            kube_context=self.connection.context,
            kube_namespace=namespace,
            dev_cluster=for_development,
            host=self.options.host,
        )

    def _chosen(self, name: str) -> ChosenContext:
        """Return the kubeconfig's context; local commands get a frozen copy of it from now on."""
        if self._context is None:
            self._context = choose_context(name, self.options.namespace, os.environ)
            self._context.freeze(self._frozen)
            self.kubeconfig = str(self._frozen)
        return self._context

    @property
    def _frozen(self) -> Path:
        return self.folder.cluster / "kubeconfig"

    def tail(self, span: str, lines: int) -> Sequence[str]:
        """Return the last lines of a log span."""
        return [line.text for line in self.logs.read(Selection(span=span, tail=lines))]

    @asynccontextmanager
    async def _engine(self) -> AsyncGenerator[Engine]:
        from upright.controllers.world.engine.find import find_engine  # noqa: PLC0415  reason: heavy, only where used

        say = self.logs.open("engine", "").write
        async with find_engine(
            self.options.engine, state_dir=self.folder.path, run_id=self.folder.id, say=say, commands=self._docker
        ) as engine:
            info = engine.info
            say(f"Container engine: {info.product} {info.version} at {info.address}")
            await reap_dead(engine, say)
            try:
                yield engine
            finally:
                await self.compose.close(engine)

    @asynccontextmanager
    async def cluster(self, spec: ClusterSpec) -> AsyncGenerator[Kubernetes]:
        """Lead to the cluster that the spec names; the embedded one is started, and ends with the context."""
        connection = spec.connection.kubernetes if spec.connection is not None else None
        if connection is None or not connection.embedded:
            from upright.controllers.world.kubeconfig_cluster import kubeconfig_cluster  # noqa: PLC0415  reason: only where used

            context = self._chosen(connection.context if connection is not None else "")
            told = f"Deploying to {context.product} cluster {context.cluster} (context {context.name})"
            self.logs.open("cluster", "").write(told)
            async with kubeconfig_cluster(context, self._frozen, utc_now) as reached:
                yield reached
            return
        from upright.embedded import embedded_cluster  # noqa: PLC0415  reason: only where used

        engine = await self.engines.get()
        self.logs.open("cluster", "").write("Deploying to the embedded cluster (--cluster=CONTEXT for another one)")
        async with embedded_cluster(self.folder, engine, self.labels, f"upright-{self.folder.id}") as cluster:
            yield cluster


def controllers(wiring: Wiring) -> Iterable[Controller[Any]]:
    """Return the controllers of a run, the Session's aside."""
    logs, clusters, engines = wiring.logs, wiring.clusters, wiring.engines
    execution = Execution(wiring.facts, wiring.processes, logs, wiring.secrets)
    delivery = Delivery(engines, wiring.processes, wiring.environment)
    return [
        TiltfileController(execution, wiring.connection, logs, utc_now),
        ExtensionRepoController(wiring.processes, wiring.environment, logs, utc_now),
        ExtensionController(),
        ResourceController(logs, wiring.tail, wiring.judge),
        CmdController(wiring.processes, logs, utc_now, wiring.environment, ButtonTriggers()),
        FileWatchController(utc_now),
        ToggleButtonController(),
        DockerImageController(engines, delivery, logs, utc_now, wiring.known_builds),
        CmdImageController(engines, delivery, wiring.processes, wiring.environment, logs, utc_now),
        ImageMapController(),
        ClusterController(wiring.cluster, clusters, logs, utc_now, engines),
        DockerComposeServiceController(wiring.compose, wiring.ports, logs, utc_now),
        DockerComposeLogStreamController(engines, logs, utc_now),
        KubernetesApplyController(
            clusters,
            logs,
            utc_now,
            prepare,
            ApplyCommands(wiring.processes, wiring.environment, applied_objects),
        ),
        KubernetesDiscoveryController(clusters, logs),
        PodLogStreamController(clusters, logs),
        PortForwardController(clusters, logs, utc_now, wiring.options.host),
    ]
