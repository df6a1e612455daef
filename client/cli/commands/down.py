"""Delete what a Tiltfile deploys."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from upright.client.cli import discovery
from upright.client.cli.asked import environment
from upright.client.cli.flags import Command, Flag, parse
from upright.client.cli.options import DownOptions, TiltfileOptions
from upright.client.cli.troubles import WrongUsage

_ENTRY_POINT = "upright.down"


def command() -> Command:
    """Return what help says."""
    return Command(
        "down",
        "Executes the Tiltfile and deletes what it deploys: dependents first, else the last first; then Compose projects.\n"
        "Objects with the annotation tilt.dev/down-policy: keep stay, namespaces and volumes too unless asked for.\n\n"
        "Exit codes: 0 it is gone, 1 something could not be deleted, 3 no such cluster, 5 the Tiltfile is wrong.",
        "upright down [flags] [RESOURCE …] [-- TILTFILE ARGUMENTS …]",
        "upright down\n"
        "upright down web                       # only web, and what it needs\n"
        "upright down -f deploy/Tiltfile --context kind-dev --delete-namespaces\n"
        "upright down --delete-volumes -- --env staging",
        (
            Flag("file", "the Tiltfile", "PATH", short="f", default="Tiltfile"),
            Flag(
                "cluster",
                "where it was deployed: auto (the kubeconfig's context, else embedded), embedded, or a context",
                "WHERE",
                default="auto",
                variables=("UPRIGHT_CLUSTER",),
            ),
            Flag("context", "the kubeconfig context it was deployed to", "CONTEXT", variables=("UPRIGHT_CONTEXT",)),
            Flag("namespace", "namespace of objects that name none", "NAMESPACE", variables=("UPRIGHT_NAMESPACE",)),
            Flag("delete-namespaces", "namespaces of the Tiltfile too"),
            Flag("delete-volumes", "volumes of Compose projects too"),
        ),
    )


def run(arguments: list[str]) -> int:
    """Delete it."""
    given = parse(command(), arguments, environment())
    cluster, context = given.text("cluster"), given.text("context")
    if context and cluster not in {"auto", context}:
        raise WrongUsage(
            f"{given.source('cluster')}={cluster} and {given.source('context')}={context} contradict each other"
        )
    options = TiltfileOptions(
        file=given.text("file"),
        args=tuple(given.arguments),
        subcommand="down",
        cluster=context or cluster,
        namespace=given.text("namespace"),
        verbose=given.on("verbose") or given.on("debug"),
    )
    tiltfile = str(Path(options.file).absolute())
    running = tuple(server.port for server in discovery.running() if server.tiltfile == tiltfile)
    asked = DownOptions(
        tiltfile=options,
        delete_namespaces=given.on("delete-namespaces"),
        delete_volumes=given.on("delete-volumes"),
        running=running,
    )
    return int(import_module(_ENTRY_POINT).down(asked))
