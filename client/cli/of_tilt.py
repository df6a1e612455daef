"""Tilt's commands that have no place here: why, and what there is instead; asked only where a command is not known."""

from __future__ import annotations

_WHY = {
    "demo": 'Tilt\'s demo makes a cluster of its own: "upright ci --cluster=embedded" brings up any Tiltfile on one',
    "docker": 'Tilt runs the docker CLI on the engine it builds with: "upright doctor" says which engine that is; '
    "run docker itself, with its DOCKER_HOST",
    "docker-prune": "a run removes what it has made on an engine; for what else is there: docker system prune",
    "up": '"upright ci" brings all of it up and says whether it is healthy; watching files to do it again is not what '
    "upright is for",
    "lsp": 'there is no language server: "upright tiltfile api --form stub" writes the types of a Tiltfile for editors, '
    '"upright tiltfile check" says what is wrong with one',
    "alpha tree-view": '"upright describe session" says what waits for what',
    "alpha shell": '"upright describe cluster" says how to reach its pods with kubectl exec',
    "alpha updog": '"upright apiserver" is a server without controllers; "upright apply" brings it objects',
}
_DONE = {
    "analytics": "nothing is collected, and nothing is sent anywhere",
    "verify-install": "upright is installed; nothing was sent anywhere",
}
"""What scripts written for Tilt may go on calling."""


def why_not(command: str) -> str:
    """Return why there is no such command; nothing if it is not Tilt's."""
    return _WHY.get(command, "")


def in_vain(command: str) -> str:
    """Return what to say of a command of Tilt's that does nothing and succeeds; nothing if there is no such."""
    return _DONE.get(command, "")
