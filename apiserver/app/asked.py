"""Reads a request's query and body into the registry's options; what cannot be understood is BadRequest."""

from __future__ import annotations

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
from upright.openapi.errors import BadRequest

if TYPE_CHECKING:
    from upright.apiserver.app.exchange import Exchange
    from upright.openapi.meta import Json

_TIMEOUT_AT_MOST_SECONDS = 7 * 24 * 3600


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
    if not exchange.query:
        return WriteOptions(field_validation="Warn", field_manager=_manager(exchange))
    return WriteOptions(
        dry_run=_dry_run(exchange.query.get("dryRun", ())),
        field_validation=_field_validation(exchange.one("fieldValidation")),
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
        dry_run=_dry_run(exchange.query.get("dryRun", ()) or body.get("dryRun") or ()),
    )


def _manager(exchange: Exchange) -> str:
    """Return who writes where it is not said: the program's name from the User-Agent."""
    return exchange.header(b"user-agent").partition("/")[0][:128]


def _dry_run(values: object) -> bool:
    given = [value for value in values if value] if isinstance(values, list | tuple) else [values]
    if any(value != "All" for value in given):
        raise BadRequest(f'dryRun="{given[0]}": the only value is All')
    return bool(given)


def _field_validation(text: str) -> FieldValidation:
    if text not in {"", *get_args(FieldValidation)}:
        raise BadRequest(f'fieldValidation="{text}": want Strict, Warn or Ignore')
    return cast("FieldValidation", text or "Warn")  # reason: just looked up among the literals


def _match(exchange: Exchange) -> Match:
    text = exchange.one("resourceVersionMatch")
    if text not in get_args(Match):
        raise BadRequest(f'resourceVersionMatch="{text}": want NotOlderThan or Exact')
    return cast("Match", text)  # reason: just looked up among the literals


def _propagation(exchange: Exchange, body: Json) -> Propagation:
    text = exchange.one("propagationPolicy") or str(body.get("propagationPolicy") or "")
    if not text and (body.get("orphanDependents") or exchange.flag("orphanDependents")):
        return "Orphan"
    if text not in get_args(Propagation):
        raise BadRequest(f'propagationPolicy="{text}": want Background, Foreground or Orphan')
    return cast("Propagation", text)  # reason: just looked up among the literals


def _grace(body: Json) -> int | None:
    value = body.get("gracePeriodSeconds")
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BadRequest("gracePeriodSeconds: want a whole number, 0 or more")
    return value
