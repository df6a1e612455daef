"""What ``wait --for`` names, and whether an object is so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from upright.client.cli.troubles import WrongUsage, closest

if TYPE_CHECKING:
    from upright.client.cli.connection import Json
    from upright.client.cli.output.jsonpath import JsonPath


class Awaited:
    """One condition: ``met`` is said of an object for which it holds, ``words`` of what is waited for."""

    kind: Literal["condition", "jsonpath", "create", "delete"]
    met = "condition met"
    words = "the condition"

    def holds(self, body: Json | None) -> bool:
        """Say whether the object (None: there is none) is as it should be."""
        raise NotImplementedError

    def as_it_is(self, body: Json) -> str:
        """Return how far the object is, if it says so."""
        del body
        return ""


class _Created(Awaited):
    kind = "create"
    words = "its creation"

    def holds(self, body: Json | None) -> bool:
        return body is not None


class _Deleted(Awaited):
    kind = "delete"
    words = "its end"

    def holds(self, body: Json | None) -> bool:
        return body is None


class _Condition(Awaited):
    kind = "condition"

    def __init__(self, name: str, value: str) -> None:
        self._name = name.lower()
        self._value = value.lower()
        self.words = f"the condition {name}" if value == "True" else f"the condition {name}={value}"

    def holds(self, body: Json | None) -> bool:
        found = self._found(body or {})
        if found is None or str(found.get("status", "")).lower() != self._value:
            return False
        generation = ((body or {}).get("metadata") or {}).get("generation") or 0
        observed = found.get("observedGeneration")
        if observed is None:
            observed = ((body or {}).get("status") or {}).get("observedGeneration")
        return observed is None or int(observed) >= int(generation)

    def as_it_is(self, body: Json) -> str:
        found = self._found(body)
        if found is None:
            return "it has no such condition"
        reason = ": ".join(filter(None, (found.get("reason"), found.get("message"))))
        return f"it is {found.get('status')}{f', {reason}' if reason else ''}"

    def _found(self, body: Json) -> Json | None:
        conditions: list[Json] = (body.get("status") or {}).get("conditions") or []
        return next((one for one in conditions if str(one.get("type", "")).lower() == self._name), None)


class _ByPath(Awaited):
    kind = "jsonpath"

    def __init__(self, path: JsonPath, expression: str, value: str | None) -> None:
        self._path = path
        self._value = value
        self.words = f"{expression}{'' if value is None else f' to be {value}'}"

    def holds(self, body: Json | None) -> bool:
        found = self._path.values(body or {})
        if self._value is None:
            return bool(found)
        return len(found) == 1 and _said(found[0]) == self._value

    def as_it_is(self, body: Json) -> str:
        found = self._path.values(body)
        return f"it is {', '.join(map(_said, found))}" if found else "it is not there"


def awaited(text: str) -> Awaited:
    """Read the flag's value. Raises WrongUsage."""
    kind, equals, rest = text.partition("=")
    word = kind.lower()
    if word in {"create", "delete"} and not equals:
        return _Created() if word == "create" else _Deleted()
    if word == "condition" and rest:
        name, _, value = rest.partition("=")
        return _Condition(name, value or "True")
    if word == "jsonpath" and rest:
        return _by_path(rest)
    if not text:
        raise WrongUsage("say what to wait for, as in --for=condition=Ready")
    hint = closest(kind, ["condition", "jsonpath", "create", "delete"])
    raise WrongUsage(f'--for: "{text}" is none of condition=NAME, jsonpath={{PATH}}=VALUE, create, delete{hint}')


def _by_path(text: str) -> Awaited:
    from upright.client.cli.output.jsonpath import relaxed  # noqa: PLC0415  reason: only where it is asked for

    if text.startswith("{"):
        inside, brace, rest = text.partition("}=")
        path, value = (f"{inside}}}", rest) if brace else (text, None)
    else:
        path, equals, rest = text.rpartition("=") if "=" in text else (text, "", "")
        value = rest if equals else None
    if value == "":
        raise WrongUsage(f"--for: a value is missing behind {path}=")
    return _ByPath(relaxed(path), path, value.strip("'\"") if value is not None else None)


def _said(value: object) -> str:
    from upright.client.cli.output.jsonpath import scalar  # noqa: PLC0415  reason: as above

    return scalar(value)
