"""What a status says in words, without secrets. Names, addresses and numbers stay: others find things by them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from upright.controllers.world.secrets import Secrets
    from upright.openapi.meta import Model

TOLD = frozenset(
    {
        "applyError",
        "error",
        "errors",
        "events",
        "fatalError",
        "healthOutput",
        "lastExecError",
        "logs",
        "message",
        "podStatusMessage",
        "reason",
        "text",
        "warnings",
    }
)
"""Fields of statuses that are for people to read: what programs and clusters said."""


def without_secrets(status: Model, secrets: Secrets) -> Model:
    """Return the status with its texts scrubbed; itself, if there is nothing to scrub."""
    if not secrets.known:
        return status
    wire = status.to_wire()
    clean = _cleaned(wire, secrets.scrub, told=False)
    return status if clean == wire else type(status).model_validate(clean)


def _cleaned(value: Any, scrub: Callable[[str], str], *, told: bool) -> Any:  # noqa: ANN401  reason: a part of a JSON document
    if isinstance(value, str):
        return scrub(value) if told else value
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value)  # reason: keys of JSON are text
        return {name: _cleaned(item, scrub, told=name in TOLD) for name, item in pairs.items()}
    if isinstance(value, (list, tuple)):
        items = cast("list[Any]", value)  # reason: what isinstance told, without its unknown items
        return [_cleaned(item, scrub, told=told) for item in items]
    return value
