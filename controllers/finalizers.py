"""The finalizers by which controllers hold an object until what it did outside is undone."""

from __future__ import annotations

CMD_FINALIZER = "tilt.dev/cmd"
"""A Cmd is kept until its process is gone."""
APPLY_FINALIZER = "tilt.dev/applied-objects"
"""A KubernetesApply is kept until what it applied is deleted."""
COMPOSE_FINALIZER = "tilt.dev/compose-containers"
"""A DockerComposeService is kept until its containers are gone."""
