"""Say what a run would find here, and what is wrong with it."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from upright.client.cli.asked import environment
from upright.client.cli.flags import Command, Flag, parse
from upright.client.cli.options import DoctorOptions, Engine
from upright.client.cli.troubles import WrongUsage

_ENTRY_POINT = "upright.doctor"


def command() -> Command:
    """Return what help says."""
    return Command(
        "doctor",
        "Says what a run would find here: versions, container engine, cluster, registry, folders, running servers; and what is\n"
        "wrong with them, with what to do. Nothing is started or changed.\n\n"
        "Exit codes: 0 a run can begin, 1 something is in its way.",
        "upright doctor [flags]",
        "upright doctor\nupright doctor --context kind-dev\nupright doctor -o json | jq .problems",
        (
            Flag("output", "how: text or json", "FORMAT", short="o", default="text", choices=("text", "json")),
            Flag(
                "cluster",
                "where a run would deploy: auto (the kubeconfig's context, else embedded), embedded, or a context",
                "WHERE",
                default="auto",
                variables=("UPRIGHT_CLUSTER",),
            ),
            Flag("context", "the kubeconfig context a run would deploy to", "CONTEXT", variables=("UPRIGHT_CONTEXT",)),
            Flag("namespace", "namespace of objects that name none", "NAMESPACE", variables=("UPRIGHT_NAMESPACE",)),
            Flag(
                "engine",
                "what would build images and run containers: auto, host, dockerd or podman",
                "ENGINE",
                default="auto",
                choices=("auto", "host", "dockerd", "podman"),
                variables=("UPRIGHT_ENGINE",),
            ),
        ),
    )


def run(arguments: list[str]) -> int:
    """Look, and say."""
    given = parse(command(), arguments, environment())
    if given.arguments:
        raise WrongUsage(f'doctor takes no arguments, not "{given.arguments[0]}"')
    asked = DoctorOptions(
        cluster=given.text("context") or given.text("cluster"),
        namespace=given.text("namespace"),
        engine=cast("Engine", given.text("engine")),  # reason: one of its choices
        form="json" if given.text("output") == "json" else "text",
    )
    return int(import_module(_ENTRY_POINT).doctor(asked))
