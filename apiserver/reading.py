"""Lists and watches: from which revision, which objects, and what to say when the past is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.apiserver.options import Listing
from upright.apiserver.paging import NEWEST, Token, page
from upright.apiserver.selection import Selection
from upright.apiserver.storage.records import Closed, Compacted
from upright.apiserver.streams import Stream
from upright.openapi import causes, errors
from upright.openapi.errors import BadRequest, Cause, Expired, ServiceUnavailable, Timeout

if TYPE_CHECKING:
    from upright.apiserver.options import ListOptions, Target, WatchOptions
    from upright.apiserver.storage.records import Stored
    from upright.apiserver.storage.store import Store

_MATCH = "resourceVersionMatch"


def list_objects(store: Store, where: Target, options: ListOptions) -> Listing:
    """Return a page of the collection. Raises BadRequest, Expired, Timeout (a revision that is yet to come)."""
    selection = Selection.parse(where.kind, options.label_selector, options.field_selector)
    _require_sensible(options)
    token = Token.decode(options.continue_) if options.continue_ else None
    if selection.name and not token and options.resource_version_match != "Exact":
        _require_reached(store, _revision(options.resource_version))
        return _one(store, where, selection)
    items, revision = _snapshot(store, where, options, token)
    return page(items, revision, selection, options, token)


def _require_sensible(options: ListOptions) -> None:
    if options.limit < 0:
        raise BadRequest(f"limit must not be negative, and is {options.limit}")
    match, version = options.resource_version_match, options.resource_version
    why = ""
    if match and options.continue_:
        why = "resourceVersionMatch is forbidden when continue is provided"
    elif match and not version:
        why = "resourceVersionMatch is forbidden unless resourceVersion is provided"
    elif match == "Exact" and version == "0":
        why = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
    if why:
        raise _wrong_match([causes.forbidden(_MATCH, why)])
    if options.continue_ and version not in {"", "0"}:
        raise BadRequest("specifying resource version is not allowed when using continue")


def _wrong_match(wrong: list[Cause]) -> errors.Invalid:
    return errors.invalid("meta.k8s.io", "ListOptions", "", wrong)


def _one(store: Store, where: Target, selection: Selection) -> Listing:
    """Return the list of the one object that a field selector names, without looking at the others."""
    namespace = where.namespace or selection.fields.exactly("metadata.namespace")
    if where.partition is None or (where.kind.definition.namespaced and not namespace):
        items = [item for item in _newest(store, where)[0] if item.address.name == selection.name]
    else:
        found = store.get(where.address._replace(namespace=namespace, name=selection.name))
        items = [found] if found else []
    return Listing(selection.of(items), store.revision)


def _newest(store: Store, where: Target) -> tuple[list[Stored], int]:
    return store.list(where.address.resource, partition=where.partition, namespace=where.namespace)


def _snapshot(store: Store, where: Target, options: ListOptions, token: Token | None) -> tuple[list[Stored], int]:
    """Return the sorted collection at the revision that is asked for."""
    revision = token.revision if token else _revision(options.resource_version)
    exact = token is not None or options.resource_version_match == "Exact"
    _require_reached(store, revision)
    if not exact or revision in {NEWEST, store.revision}:
        return _newest(store, where)
    try:
        items = store.list_at(revision, where.address.resource, partition=where.partition, namespace=where.namespace)
    except Compacted as error:
        raise _expired(token, error) from error
    return items, revision


def _expired(token: Token | None, error: Compacted) -> Expired:
    if token is None:
        return Expired(f"The resourceVersion for the provided list is too old: {error}")
    fresh = token._replace(revision=NEWEST).encode()
    return Expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list "
        "without the continue parameter, or use the continue token in this response to retrieve the remainder of the "
        "results. Continuing with the provided token results in an inconsistent list - objects that were created, "
        "modified, or deleted between the time the first chunk was returned and now may show up in the list.",
        details={"continue": fresh},
    )


def _revision(text: str) -> int:
    if not text:
        return 0
    if not text.isdecimal():
        raise BadRequest(f'resourceVersion: Invalid value: "{text}": it is not one that this server gave')
    return int(text)


def _require_reached(store: Store, revision: int) -> None:
    if revision > store.revision:
        raise Timeout(
            f"Timeout: Too large resource version: {revision}, current: {store.revision}",
            causes=[Cause("", "Too large resource version", "ResourceVersionTooLarge")],
            details={"retryAfterSeconds": 1},
        )


def watch_objects(store: Store, where: Target, options: WatchOptions) -> Stream:
    """Return a watch. Raises BadRequest, Expired, Timeout (a revision that is yet to come), ServiceUnavailable."""
    selection = Selection.parse(where.kind, options.label_selector, options.field_selector)
    _require_sensible_watch(options)
    since = _revision(options.resource_version)
    _require_reached(store, since)
    wants_all = options.initial_events or (options.initial_events is None and not since)
    from_now = wants_all or not since
    try:
        subscription = store.watch(
            where.address.resource,
            partition=where.partition,
            namespace=where.namespace or selection.fields.exactly("metadata.namespace"),
            name=where.name or selection.name,
            since=None if from_now else since,
            accept=None if selection.is_all else selection,
        )
    except Compacted as error:
        raise Expired(f"too old resource version: {error}") from error
    except Closed as error:
        raise ServiceUnavailable(str(error)) from error
    stream = Stream(store, where, subscription)
    if wants_all:
        items, revision = _newest(store, where)
        name = subscription.scope.name
        items = selection.of(item for item in items if not name or item.address.name == name)
        stream.begin_with(items, revision, marked=bool(options.initial_events) and options.bookmarks)
    if options.bookmarks:
        stream.bookmark()
    if options.timeout is not None:
        stream.end_after(options.timeout)
    return stream


def _require_sensible_watch(options: WatchOptions) -> None:
    match, why = options.resource_version_match, ""
    if options.initial_events is not None and match != "NotOlderThan":
        why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
    elif options.initial_events is None and match:
        why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
    if why:
        odd = [causes.not_supported(_MATCH, match, ("NotOlderThan",))] if match not in {"", "NotOlderThan"} else []
        raise _wrong_match([causes.forbidden(_MATCH, why), *odd])
