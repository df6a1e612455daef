"""Takes whole Compose projects down, whoever brought them up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.world.compose import ComposeFailed, find_compose
from upright.controllers.world.output import Lines
from upright.controllers.world.processes import Command, StartFailed, run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from upright.controllers.world.processes import Processes
    from upright.openapi.v1alpha1.docker_compose_service import DockerComposeProject

_GRACE_SECONDS = 5.0


async def take_down(
    project: DockerComposeProject,
    processes: Processes,
    environment: Mapping[str, str],
    folder: Path,
    say: Callable[[str], None],
    *,
    volumes: bool,
) -> None:
    """Run ``compose down`` on the engine that DOCKER_HOST names. Raises ComposeFailed, NoCompose."""
    program = await find_compose(processes, environment)
    files = list(project.config_paths)
    if project.yaml:
        file = folder / "compose.yml"
        file.touch(mode=0o600)
        file.write_text(project.yaml, encoding="utf-8")
        files = [str(file)]
    argv = [*program.argv, "--project-name", project.name]
    argv += ["--project-directory", project.project_path] if project.project_path else []
    argv += ["--env-file", project.env_file] if project.env_file else []
    argv += [word for file in files for word in ("--file", file)]
    argv += [word for profile in project.profiles for word in ("--profile", profile)]
    argv += ["--progress", "plain", "down", "--remove-orphans", *(["--volumes"] if volumes else [])]
    lines = Lines(say)
    try:
        ended = await run(
            processes, Command(tuple(argv), project.project_path, environment), lines, grace=_GRACE_SECONDS
        )
    except StartFailed as error:
        raise ComposeFailed(str(error)) from error
    finally:
        lines.close()
    if ended.code:
        raise ComposeFailed(f"docker compose down of project {project.name} {ended.reason}")
