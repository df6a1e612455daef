"""Required node affinity, the part of ``affinity`` that one node may or may not satisfy; on the JSON as it was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


class _Get(Protocol):
    def get(self, key: str, /) -> Any: ...  # noqa: ANN401  reason: decoded JSON


def affinity_matches(affinity: Mapping[str, object], name: str, labels: Mapping[str, str]) -> bool:
    """Return whether the node of that name and labels satisfies what is required; without a requirement it does."""
    required = _object(_object(affinity.get("nodeAffinity")).get(_REQUIRED))
    terms = required.get("nodeSelectorTerms")
    if not isinstance(terms, list):
        return True
    return any(_term(_object(term), name, labels) for term in terms)


def _object(value: object) -> Mapping[str, Any]:  # Any: decoded JSON
    return value if isinstance(value, dict) else {}


def _term(term: _Get, name: str, labels: Mapping[str, str]) -> bool:
    expressions, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not fields:
        return False
    return all(_holds(_object(one), labels) for one in expressions) and all(
        _holds(_object(one), {"metadata.name": name}) for one in fields
    )


def _holds(requirement: _Get, values: Mapping[str, str]) -> bool:
    value = values.get(str(requirement.get("key")))
    wanted = [str(one) for one in requirement.get("values") or ()]
    rules: dict[str, Callable[[], bool]] = {
        "In": lambda: value in wanted,
        "NotIn": lambda: value not in wanted,
        "Exists": lambda: value is not None,
        "DoesNotExist": lambda: value is None,
        "Gt": lambda: value is not None and int(value) > int(wanted[0]),
        "Lt": lambda: value is not None and int(value) < int(wanted[0]),
    }
    rule = rules.get(str(requirement.get("operator")))
    return rule is not None and rule()
