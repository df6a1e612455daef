"""Run the Sessions of a shared API server."""

from __future__ import annotations

from importlib import import_module

from upright.client.cli.asked import environment
from upright.client.cli.flags import Command, Flag, parse
from upright.client.cli.troubles import WrongUsage

_ENTRY_POINT = "upright.controlling"
_NUMBERS = ("at-once", "keep-days", "keep-sessions", "keep-megabytes")


def command() -> Command:
    """Return what help says."""
    return Command(
        "controllers",
        "Runs the Sessions that are posted to an API server, side by side, each as upright ci would.",
        "upright controllers --kubeconfig FILE --serve-directory DIR [flags]",
        "upright controllers --kubeconfig ./state/kubeconfig --serve-directory /srv/projects --state ./runs",
        (
            Flag("kubeconfig", "the file that upright apiserver wrote", "FILE", variables=("UPRIGHT_KUBECONFIG",)),
            Flag("serve-directory", "Tiltfiles under it may be run; may be repeated", "DIR", many=True),
            Flag("state", "folder for logs and files of the Sessions", "DIR", default="./upright-sessions"),
            Flag("cluster", "auto, embedded, or a kubeconfig context", "NAME", default="auto"),
            Flag(
                "engine",
                "container engine",
                "NAME",
                default="auto",
                choices=("auto", "host", "dockerd", "podman"),
            ),
            Flag("at-once", "so many Sessions run side by side, the others wait", "NUMBER", default="8"),
            Flag("keep-days", "finished Sessions are kept so long", "NUMBER", default="30"),
            Flag("keep-sessions", "so many finished Sessions are kept", "NUMBER", default="500"),
            Flag("keep-megabytes", "so much may their folders hold together", "NUMBER", default="10000"),
        ),
    )


def run(arguments: list[str]) -> int:
    """Run until interrupted."""
    given = parse(command(), arguments, environment())
    if given.arguments:
        raise WrongUsage(f'controllers takes no arguments, not "{given.arguments[0]}"')
    if not given.text("kubeconfig"):
        raise WrongUsage("controllers needs --kubeconfig FILE: the one that upright apiserver wrote")
    line = [f"--{name}={given.text(name)}" for name in ("kubeconfig", "state", "cluster", "engine")]
    line += [f"--{name}={given.number(name)}" for name in _NUMBERS]
    line += [f"--serve-directory={folder}" for folder in given.many("serve-directory")]
    return int(import_module(_ENTRY_POINT).main(line))
