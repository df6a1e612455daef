"""What a step was run for: its spec, the cause its owner gave, and the inputs it read; the same print means the same work."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from upright.openapi.meta import Model, Object

CAUSE = "tilt.dev/cause"
"""The annotation by which an owner asks for the step to be run again though its spec is the same."""
AHEAD = " (ahead of local resources)"
"""What the cause of a build ends in that is begun before local resources which may write what it reads; it does not count."""
LOCALS = "tilt.dev/after-local-resources"
"""The annotation that names the local resources which may write what a build reads."""
RESOURCE = "tilt.dev/resource"
"""The annotation that names the resource under which an object logs."""
SPAN = "tilt.dev/log-span-id"
"""The annotation that names the log span of an object."""


def of_spec(spec: Model, *inputs: str) -> str:
    """Return the fingerprint of a spec and what else counts."""
    wire = orjson.dumps([spec.to_wire(), *inputs], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(wire).hexdigest()[:16]


def of_step(step: Object, *inputs: str) -> str:
    """Return the fingerprint of a step object: its spec, its cause, and the inputs it reads."""
    spec: Model = getattr(step, "spec")  # noqa: B009  reason: every step kind has a spec; Object alone does not say so
    return of_spec(spec, step.metadata.annotations.get(CAUSE, ""), *inputs)
