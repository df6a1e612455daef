"""Wait until objects are as they should be."""

from __future__ import annotations

import sys
from time import monotonic
from typing import TYPE_CHECKING

from upright.client.cli.asked import SELECTOR_FLAGS, SERVER_FLAGS, environment, query, server, wanted
from upright.client.cli.awaited import Awaited, awaited
from upright.client.cli.connection import Connection
from upright.client.cli.durations import seconds
from upright.client.cli.flags import Command, Flag, parse
from upright.client.cli.kinds import Kinds
from upright.client.cli.manifests import FILE_FLAGS
from upright.client.cli.output.documents import name_of
from upright.client.cli.troubles import NotThere, OutOfTime, Trouble, WrongUsage

if TYPE_CHECKING:
    from upright.client.cli.connection import Json
    from upright.client.cli.flags import Given
    from upright.client.cli.kinds import KindPath

_A_WEEK = 7 * 86400.0


def command() -> Command:
    """Return what help says."""
    return Command(
        "wait",
        "Waits until objects are as they should be.\n\n"
        "Exit codes: 0 they are, 1 there is no such object, 124 out of time.",
        "upright wait --for=CONDITION TYPE/NAME … | TYPE [NAME …] [--all] [-l LABELS] | -f FILE",
        "upright wait --for=condition=Ready uiresource/web --timeout=5m\n"
        "upright wait --for=jsonpath='{.status.updateStatus}'=ok resource web\n"
        "upright wait --for=create resource/web\n"
        "upright wait --for=delete cmd/smoke --timeout=10s",
        (
            Flag(
                "for",
                "condition=NAME[=VALUE], jsonpath={PATH}[=VALUE], create or delete",
                "CONDITION",
            ),
            Flag("timeout", "how long to wait; 0 looks once, less than 0 is a week", "DURATION", default="30s"),
            Flag("all", "all objects of the kind"),
            Flag("output", "how to print what is as it should be: name, yaml, json, …", "FORMAT", short="o"),
            *FILE_FLAGS,
            *SELECTOR_FLAGS,
            *SERVER_FLAGS,
        ),
    )


def run(arguments: list[str]) -> int:
    """Wait; objects one after another, all within the one limit."""
    given = parse(command(), arguments, environment())
    asked = wanted(given)
    what = awaited(given.text("for"))
    limit = seconds(given, "timeout")
    if not any(want.names for want in asked) and not (given.on("all") or _selects(given)):
        raise WrongUsage("say which: names, a selector (-l), or --all")
    connection = Connection(server(given))
    try:
        kinds = Kinds(connection)
        waiting = _Waiting(connection, given, what, monotonic() + (limit if limit >= 0 else _A_WEEK))
        for want in asked:
            for kind in kinds.find(want.word):
                waiting.of_kind(kind, want.names)
        return 0
    finally:
        connection.close()


def _selects(given: Given) -> bool:
    return bool(given.text("selector") or given.text("field-selector"))


class _Waiting:
    def __init__(self, connection: Connection, given: Given, what: Awaited, deadline: float) -> None:
        self._connection = connection
        self._given = given
        self._what = what
        self._deadline = deadline

    def of_kind(self, kind: KindPath, names: tuple[str, ...]) -> None:
        if names:
            for name in names:
                self._one(kind, name)
            return
        listed = self._connection.get(kind.path + query(self._given), free=kind.free)
        found = [str(body["metadata"]["name"]) for body in listed.get("items") or ()]
        if not found and self._what.kind != "delete":
            raise NotThere("no matching objects found")
        for name in found:
            self._one(kind, name)

    def _one(self, kind: KindPath, name: str) -> None:
        body, since = self._now(kind, name)
        if self._done(kind, name, body):
            return
        if not self._follow(kind, name, since):
            raise OutOfTime(
                f"timed out waiting for {self._what.words} on {kind.plural}/{name}{self._as_it_is(kind, name)}"
            )

    def _now(self, kind: KindPath, name: str) -> tuple[Json | None, str]:
        """Return the object, if it is there, and the moment from which to watch it. Raises NotThere."""
        path = kind.path + query(self._given, fieldSelector=f"metadata.name={name}")
        listed = self._connection.get(path, free=kind.free)
        items: list[Json] = listed.get("items") or []
        if not items and self._what.kind not in {"delete", "create"}:
            raise NotThere(f'{kind.plural}.{kind.version.partition("/")[0]} "{name}" not found')
        return (items[0] if items else None), str(listed["metadata"]["resourceVersion"])

    def _done(self, kind: KindPath, name: str, body: Json | None) -> bool:
        if not self._what.holds(body):
            return False
        form = self._given.text("output")
        if form and body is not None:
            from upright.client.cli.output.forms import Settings, printer  # noqa: PLC0415  reason: rarely asked for

            sys.stdout.write(printer(form, Settings())([body], True))
        else:
            said = name_of(body) if body is not None else f"{kind.full}/{name}"
            sys.stdout.write(f"{said} {self._what.met}\n")
        sys.stdout.flush()
        return True

    def _follow(self, kind: KindPath, name: str, since: str) -> bool:
        """Watch the object until it is as it should be (True), or time is up."""
        path = kind.path + query(self._given, fieldSelector=f"metadata.name={name}", watch="1", resourceVersion=since)
        left = self._deadline - monotonic()
        if left <= 0:
            return False
        try:
            for event in self._connection.stream(path, free=kind.free, seconds=left):
                if event["type"] == "ERROR":
                    raise Trouble(f"the watch ended: {event['object'].get('message', '')}")
                gone = event["type"] == "DELETED"
                if event["type"] != "BOOKMARK" and self._done(kind, name, None if gone else event["object"]):
                    return True
                left = self._deadline - monotonic()
                if left <= 0:
                    return False
                self._connection.patience(left)
        except TimeoutError:
            return False
        raise Trouble(f"the server ended before {kind.plural}/{name} was as it should be")

    def _as_it_is(self, kind: KindPath, name: str) -> str:
        """Return what the object says of itself, for whoever has to find out why."""
        asking = Connection(server(self._given))  # the other one is in the middle of a watch
        try:
            body = asking.get(kind.of(name), free=kind.free)
        except Trouble:
            return ""
        finally:
            asking.close()
        said = self._what.as_it_is(body) if body else ""
        return f" ({said})" if said else ""
