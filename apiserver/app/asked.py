"""Reads a request's query and body into the registry's options; what cannot be understood is BadRequest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast, get_args

from upright.apiserver.options import (
    DeleteOptions,
    FieldValidation,
    ListOptions,
    Match,
    Propagation,
    WatchOptions,
    WriteOptions,
)
from upright.openapi import causes
from upright.openapi.errors import BadRequest, Cause, Invalid, invalid

if TYPE_CHECKING:
    from upright.apiserver.app.exchange import Exchange
    from upright.openapi.meta import Json

_TIMEOUT_AT_MOST_SECONDS = 7 * 24 * 3600
_OPTIONS_OF = {"POST": "CreateOptions", "PATCH": "PatchOptions", "DELETE": "DeleteOptions"}
_FIELD_VALIDATIONS: tuple[str, ...] = ("", "Ignore", "Strict", "Warn")
_MATCHES = ("Exact", "NotOlderThan", "")
_PROPAGATIONS = ("Foreground", "Background", "Orphan", "nil")


def list_options(exchange: Exchange) -> ListOptions:
    """Read what a list is asked for; ``timeoutSeconds`` means nothing to an answer from memory."""
    if not exchange.query:
        return ListOptions()
    return ListOptions(
        label_selector=exchange.one("labelSelector"),
        field_selector=exchange.one("fieldSelector"),
        limit=exchange.number("limit") or 0,
        continue_=exchange.one("continue"),
        resource_version=exchange.one("resourceVersion"),
        resource_version_match=_match(exchange),
    )


def watch_options(exchange: Exchange) -> WatchOptions:
    """Read what a watch is asked for. A browser says by a header where it was."""
    timeout = exchange.number("timeoutSeconds")
    return WatchOptions(
        label_selector=exchange.one("labelSelector"),
        field_selector=exchange.one("fieldSelector"),
        resource_version=exchange.header(b"last-event-id") or exchange.one("resourceVersion"),
        resource_version_match=_match(exchange),
        bookmarks=exchange.flag("allowWatchBookmarks"),
        initial_events=exchange.flag("sendInitialEvents") if "sendInitialEvents" in exchange.query else None,
        timeout=min(timeout, _TIMEOUT_AT_MOST_SECONDS) if timeout else None,
    )


def write_options(exchange: Exchange) -> WriteOptions:
    """Read how a write is to be done."""
    kind = _OPTIONS_OF.get(exchange.method, "UpdateOptions")
    if not exchange.query:
        return WriteOptions(field_validation="Warn", field_manager=_manager(exchange))
    return WriteOptions(
        dry_run=_dry_run(exchange.query.get("dryRun", ()), kind),
        field_validation=_field_validation(exchange.one("fieldValidation"), kind),
        field_manager=exchange.one("fieldManager") or _manager(exchange),
        force=exchange.flag("force"),
    )


def delete_options(exchange: Exchange, body: Json) -> DeleteOptions:
    """Read how a delete is to be done, from the query or else the body."""
    preconditions = body.get("preconditions") or {}
    if not isinstance(preconditions, dict):
        raise BadRequest("preconditions: want an object with uid or resourceVersion")
    grace = exchange.number("gracePeriodSeconds")
    return DeleteOptions(
        uid=str(preconditions.get("uid") or ""),
        resource_version=str(preconditions.get("resourceVersion") or ""),
        propagation=_propagation(exchange, body),
        grace_period_seconds=_grace(body) if grace is None else grace,
        dry_run=_dry_run(exchange.query.get("dryRun", ()) or body.get("dryRun") or (), "DeleteOptions"),
    )


def _manager(exchange: Exchange) -> str:
    """Return who writes where it is not said: the program's name from the User-Agent."""
    return exchange.header(b"user-agent").partition("/")[0][:128]


def _dry_run(values: object, options: str) -> bool:
    given = [value for value in values if value] if isinstance(values, list | tuple) else [values]
    if any(value != "All" for value in given):
        shown = json.dumps(given, ensure_ascii=False)
        wrong = Cause("dryRun", f'Unsupported value: {shown}: supported values: "All"', "FieldValueNotSupported")
        raise _wrong(options, wrong)
    return bool(given)


def _wrong(options: str, cause: Cause) -> Invalid:
    """Return Kubernetes' words for an option that cannot be."""
    return invalid("meta.k8s.io", options, "", [cause])


def _field_validation(text: str, options: str) -> FieldValidation:
    if text not in _FIELD_VALIDATIONS:
        raise _wrong(options, causes.not_supported("fieldValidation", text, _FIELD_VALIDATIONS))
    return cast("FieldValidation", text or "Warn")  # reason: just looked up among the literals


def _match(exchange: Exchange) -> Match:
    text = exchange.one("resourceVersionMatch")
    if text not in get_args(Match):
        raise _wrong("ListOptions", causes.not_supported("resourceVersionMatch", text, _MATCHES))
    return cast("Match", text)  # reason: just looked up among the literals


def _propagation(exchange: Exchange, body: Json) -> Propagation:
    text = exchange.one("propagationPolicy") or str(body.get("propagationPolicy") or "")
    orphan: object = exchange.flag("orphanDependents") if "orphanDependents" in exchange.query else None
    orphan = body.get("orphanDependents") if orphan is None else orphan
    if text and orphan is not None:
        why = "orphanDependents and deletionPropagation cannot be both set"
        raise _wrong("DeleteOptions", causes.invalid_value("propagationPolicy", text, why))
    if not text and orphan is not None:
        return "Orphan" if orphan else "Background"
    if text not in get_args(Propagation):
        raise _wrong("DeleteOptions", causes.not_supported("propagationPolicy", text, _PROPAGATIONS))
    return cast("Propagation", text)  # reason: just looked up among the literals


def _grace(body: Json) -> int | None:
    value = body.get("gracePeriodSeconds")
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BadRequest("gracePeriodSeconds: want a whole number, 0 or more")
    return value
