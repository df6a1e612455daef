"""Write a first Tiltfile for what a folder has."""

from __future__ import annotations

import sys
from pathlib import Path

from upright.client.cli.asked import environment
from upright.client.cli.first_tiltfile import matches, tiltfile
from upright.client.cli.flags import Command, Flag, parse
from upright.client.cli.project_files import look
from upright.client.cli.troubles import Trouble, WrongUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from upright.client.cli.project_files import Found


def command() -> Command:
    """Return what help says."""
    return Command(
        "init",
        "Writes a first Tiltfile for the Dockerfiles, Kubernetes YAML, kustomizations, Helm charts and Compose files that\n"
        "it finds in a folder (this one, unless said). A Tiltfile that is there already stays as it is.",
        "upright init [FOLDER] [flags]",
        "upright init\nupright init services/shop\nupright init --stdout | less",
        (
            Flag("force", "write over a Tiltfile that is there"),
            Flag("stdout", "print it, and write nothing"),
        ),
    )


def run(arguments: list[str]) -> int:
    """Look, and write."""
    given = parse(command(), arguments, environment())
    if len(given.arguments) > 1:
        raise WrongUsage("init takes one folder")
    folder = Path(*given.arguments)
    if not folder.is_dir():
        raise WrongUsage(f"there is no folder {folder}")
    found = look(folder)
    if not found:
        raise Trouble(
            f"nothing was found in {folder.resolve()} that a Tiltfile could bring up: no Dockerfile, Kubernetes YAML, "
            "kustomization, Helm chart or Compose file"
        )
    text = tiltfile(found)
    if given.on("stdout"):
        sys.stdout.write(text)
        return 0
    _write(folder / "Tiltfile", text, over=given.on("force"))
    sys.stderr.write(f"Wrote {folder / 'Tiltfile'}: {_told(found)}. Next: upright tiltfile check\n")
    return 0


def _write(path: Path, text: str, *, over: bool) -> None:
    try:
        with path.open("w" if over else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Trouble(
            f"{path} is there already: --stdout prints what would be written, --force writes over it"
        ) from None
    except OSError as error:
        raise Trouble(f"{path} cannot be written: {error.strerror}") from error


def _told(found: Found) -> str:
    built = len(matches(found))
    counts = (
        (built, "image"),
        (len(found.manifests), "YAML file"),
        (min(len(found.kustomizations), 1), "kustomization"),
        (len(found.charts), "chart"),
        (min(len(found.compose), 1), "Compose file"),
    )
    said = [f"{count} {word}{'s' * (count != 1)}" for count, word in counts if count]
    unmatched = len(found.dockerfiles) - built if not found.compose else 0
    if unmatched:
        said.append(f"{unmatched} Dockerfile{'s' * (unmatched != 1)} that no image is named like (see its comments)")
    return ", ".join(said)
