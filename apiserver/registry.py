"""What a write means, for every kind: the one road to storage, for HTTP handlers and for callers in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
from msgspec.structs import replace

from upright.apiserver.admission import Admitted, blank, decode, immutable_problems, require_valid, validated_part
from upright.apiserver.applying import Applying, noted
from upright.apiserver.lifecycle import (
    born,
    changed,
    ended,
    ending,
    generated_name,
    kept,
    require_current,
    require_no_new_finalizers,
)
from upright.apiserver.limits import DEFAULT_LIMITS, Limits
from upright.apiserver.namespaces import require_deletable, require_namespace
from upright.apiserver.options import Deleted, DeleteOptions, ListOptions, Target, WatchOptions, WriteOptions, Written
from upright.apiserver.ownership import Writer
from upright.apiserver.reading import list_objects, watch_objects
from upright.apiserver.selection import Selection
from upright.apiserver.storage.records import Closed, Remove, WriteFailed
from upright.openapi import errors, patches
from upright.openapi.errors import (
    AlreadyExists,
    BadRequest,
    InternalError,
    MethodNotAllowed,
    ServiceUnavailable,
    UnsupportedMediaType,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from upright.apiserver.options import Listing, Patch
    from upright.apiserver.storage.records import Decide, Decision, Stored
    from upright.apiserver.storage.store import Store
    from upright.apiserver.streams import Stream
    from upright.openapi.meta import Json, Object
    from upright.openapi.scheme import Scheme

    Change = Callable[[Stored], Decision]
    Note = Callable[[Json, Json], Json]
    Refusals = list[errors.APIError]

NAME_ATTEMPTS = 8
DELETES_AT_ONCE = 256
_PLAIN_WRITE = WriteOptions()
_PLAIN_DELETE = DeleteOptions()
_PLAIN_LIST = ListOptions()
_PLAIN_WATCH = WatchOptions()


class Registry:
    """All verbs for all kinds of a scheme, over one store. Raises the errors of ``upright.openapi.errors``."""

    def __init__(
        self, scheme: Scheme, store: Store, clock: Callable[[], datetime], limits: Limits = DEFAULT_LIMITS
    ) -> None:
        self.scheme, self.store = scheme, store
        self._clock, self._limits = clock, limits

    def get(self, where: Target) -> Stored:
        """Return the object as last committed."""
        found = self.store.get(where.address)
        if not found:
            raise _not_found(where)
        return found if where.kind.definition.project is None else Selection.parse(where.kind, "", "").shown(found)

    def list(self, where: Target, options: ListOptions = _PLAIN_LIST) -> Listing:
        """Return a page of the collection, sorted by namespace and name."""
        return list_objects(self.store, where, options)

    def watch(self, where: Target, options: WatchOptions = _PLAIN_WATCH) -> Stream:
        """Return a watch of the collection, or of the one object that ``where`` names. Close it in the end."""
        return watch_objects(self.store, where, options)

    async def create(self, where: Target, body: Json, options: WriteOptions = _PLAIN_WRITE) -> Written:
        """Create an object; without a name, ``generateName`` gives it one."""
        _require_writable(where)
        admitted = decode(where.kind, _without_status(where.kind, body), options)
        metadata = admitted.body.get("metadata") or {}
        if metadata.get("resourceVersion"):
            raise BadRequest("resourceVersion should not be set on objects to be created")
        _require_named_so(where, metadata, needed=False)
        name = str(metadata.get("name") or where.name)
        prefix = "" if name else str(metadata.get("generateName", ""))
        wanted = _with_blank_status(where.kind, admitted.body)
        for attempt in range(NAME_ATTEMPTS):
            target = replace(where, name=generated_name(prefix) if prefix else name)
            new = born(where.kind, wanted, target, self._clock())
            require_valid(where.kind, admitted.model, None, new["metadata"], self._limits)
            try:
                stored = await self._write(target, self._creation(target, new), dry_run=options.dry_run)
            except AlreadyExists:
                if prefix and attempt + 1 < NAME_ATTEMPTS:
                    continue
                raise
            return Written(stored, (*admitted.warnings, *admitted.model.warnings()), created=True)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _creation(self, where: Target, new: Json) -> Decide:
        def decide(current: Stored | None) -> Json:
            if current:
                about = where.kind.definition
                raise errors.already_exists(about.group, about.plural, where.name)
            require_namespace(self.scheme, self.store, where)
            return new

        return decide

    async def update(self, where: Target, body: Json, options: WriteOptions = _PLAIN_WRITE) -> Written:
        """Replace an object, or what its subresource stands for. A resourceVersion that is not the newest is a Conflict."""
        _require_writable(where)
        if where.subresource:
            _require_subresource(where)
            part, told = self._part_change(where, body, options)
            return Written(await self._change(where, part, dry_run=options.dry_run), told)
        admitted = decode(where.kind, _without_status(where.kind, body), options)

        def change(current: Stored) -> Decision:
            return self._replaced(where, current, admitted, self._noting(where, body, options))

        stored = await self._change(where, change, dry_run=options.dry_run)
        return Written(stored, (*admitted.warnings, *admitted.model.warnings()))

    def _noting(self, where: Target, given: Json, options: WriteOptions) -> Note:
        """Return what notes in the new body who owns its fields after a write that is no apply."""

        def note(old: Json, new: Json) -> Json:
            writer = Writer(options.field_manager or "unknown", "Update", where.subresource, self._clock())
            return noted(where.kind, old, new, given, writer)

        return note

    def _part_change(
        self, where: Target, body: Json, options: WriteOptions, note: Note | None = None
    ) -> tuple[Change, tuple[str, ...]]:
        """Return the change that writes only the part of the object which the subresource is, and what to warn of."""
        metadata = _metadata_of(body)
        _require_named_so(where, metadata, needed=False)
        uid, version = str(metadata.get("uid", "")), str(metadata.get("resourceVersion", ""))
        part, typed = _part(where), options.model is not None
        note = note or self._noting(where, {}, options)
        given, told = (body.get(part, {}), ()) if typed else validated_part(where.kind, part, body, where.name, options)

        def change(current: Stored) -> Decision:
            require_current(where, current, uid, version)
            new = note(current.body, {**current.body, part: given})
            return Remove(new) if ended(current.body, new) else new

        return change, told

    def _replaced(self, where: Target, current: Stored, admitted: Admitted, note: Note) -> Decision:
        """Return what an update makes of the current version."""
        wanted, model = admitted.body, admitted.model
        metadata = wanted.get("metadata") or {}
        _require_named_so(where, metadata, needed=True)
        require_current(where, current, str(metadata.get("uid", "")), str(metadata.get("resourceVersion", "")))
        kind, old = where.kind, current.body
        new = note(old, changed(old, kept(kind, old, _with_status_of(kind, wanted, old))))
        require_no_new_finalizers(where, old, new)
        if wrong := list(immutable_problems(kind, old, new)):
            raise errors.invalid(kind.definition.group, kind.definition.kind, where.name, wrong)
        require_valid(kind, model, kind.model_validate(old) if kind.compares else None, new["metadata"], self._limits)
        return Remove(new) if ended(old, new) else new

    async def patch(self, where: Target, patch: Patch, options: WriteOptions = _PLAIN_WRITE) -> Written:
        """Change the newest version by a patch; a resourceVersion in the patch is a precondition."""
        _require_writable(where)
        if where.subresource:
            _require_subresource(where)
        if patch.kind == "apply":
            return await self._apply(where, patch, options)
        apply = _patcher(where, patch)
        warnings: list[str] = []

        def change(current: Stored) -> Decision:
            patched = apply(current.body)
            if where.subresource:
                part, warnings[:] = self._part_change(where, patched, options)
                return part(current)
            admitted = decode(where.kind, _without_status(where.kind, patched), options)
            warnings[:] = [*admitted.warnings, *admitted.model.warnings()]
            return self._replaced(where, current, admitted, self._noting(where, patched, options))

        stored = await self._change(where, change, dry_run=options.dry_run)
        return Written(stored, tuple(warnings))

    async def _apply(self, where: Target, patch: Patch, options: WriteOptions) -> Written:
        """Make the object have what the configuration says, and the manager own just that; create it if need be."""
        if not isinstance(patch.body, dict):
            raise BadRequest("an apply's body must be an object")
        _metadata_of(patch.body)
        writer = Writer(options.field_manager or "unknown", "Apply", where.subresource, self._clock())
        applying = Applying(where.kind, patch.body, writer, force=options.force)
        warnings: list[str] = []
        created = False

        def admit(body: Json) -> Admitted:
            admitted = decode(where.kind, _without_status(where.kind, body), options)
            warnings[:] = [*admitted.warnings, *admitted.model.warnings()]
            return admitted

        def decide(current: Stored | None) -> Decision:
            nonlocal created
            created = current is None
            if current is None:
                return self._applied_anew(where, applying, admit, writer.now)
            merged = applying.merged(current.body)
            if where.subresource:
                part, warnings[:] = self._part_change(where, merged, replace(options, model=None), applying.noted)
                return part(current)
            return self._replaced(where, current, admit(merged), applying.noted)

        stored = await self._write(where, decide, dry_run=options.dry_run)
        return Written(stored, tuple(warnings), created)

    def _applied_anew(
        self, where: Target, applying: Applying, admit: Callable[[Json], Admitted], now: datetime
    ) -> Json:
        """Return what an apply makes where nothing is yet."""
        metadata = applying.config.get("metadata") or {}
        if where.subresource or metadata.get("resourceVersion") or metadata.get("uid"):
            raise _not_found(where)
        require_namespace(self.scheme, self.store, where)
        _require_named_so(where, metadata, needed=False)
        admitted = admit(applying.config)
        new = born(where.kind, _with_blank_status(where.kind, admitted.body), where, now)
        require_valid(where.kind, admitted.model, None, new["metadata"], self._limits)
        return applying.born(new)

    async def delete(self, where: Target, options: DeleteOptions = _PLAIN_DELETE) -> Deleted:
        """End an object: at once, or, if finalizers or its grace hold it, marked as ending."""
        _require_writable(where)
        require_deletable(where)
        gone = False

        def change(current: Stored) -> Decision:
            nonlocal gone
            decision = ending(where, current, options, self._clock())
            gone = isinstance(decision, Remove)
            return decision

        stored = await self._change(where, change, dry_run=options.dry_run)
        return Deleted(stored, gone)

    async def delete_collection(
        self, where: Target, which: ListOptions = _PLAIN_LIST, options: DeleteOptions = _PLAIN_DELETE
    ) -> Listing:
        """Delete every object of the collection that the selectors match; return them as they were.

        Raises, when all the others are deleted, what the first that may not be deleted raised.
        """
        _require_writable(where)
        listing = self.list(where, which)
        doomed = [_target_of(where, stored) for stored in listing.items]
        refused: Refusals = []
        for start in range(0, len(doomed), DELETES_AT_ONCE):
            async with anyio.create_task_group() as group:
                for target in doomed[start : start + DELETES_AT_ONCE]:
                    group.start_soon(self._delete_if_there, target, options, refused)
        if refused:
            raise refused[0]
        return listing

    async def _delete_if_there(self, where: Target, options: DeleteOptions, refused: Refusals) -> None:
        try:
            await self.delete(where, options)
        except errors.NotFound:
            return
        except errors.APIError as error:
            refused.append(error)

    async def _change(self, where: Target, change: Change, *, dry_run: bool) -> Stored:
        def decide(current: Stored | None) -> Decision:
            if not current:
                raise _not_found(where)
            return change(current)

        return await self._write(where, decide, dry_run=dry_run)

    async def _write(self, where: Target, decide: Decide, *, dry_run: bool) -> Stored:
        if dry_run:
            return self._rehearsed(where, decide)
        try:
            return await self.store.write(where.address, decide)
        except WriteFailed as error:
            raise InternalError(str(error)) from error
        except Closed as error:
            raise ServiceUnavailable(str(error)) from error

    def _rehearsed(self, where: Target, decide: Decide) -> Stored:
        """Return what a write would leave, without writing."""
        current = self.store.newest(where.address)
        decision = decide(current)
        body = decision.body if isinstance(decision, Remove) else decision
        if body is None:
            body = current.body if current else {}
        if current:
            body = {**body, "metadata": {**body["metadata"], "resourceVersion": str(current.revision)}}
        return self.store.draft(where.address, current.revision if current else 0, body)


def _target_of(where: Target, stored: Stored) -> Target:
    at = stored.address
    return replace(where, partition=at.partition, namespace=at.namespace, name=at.name)


def _not_found(where: Target) -> errors.NotFound:
    about = where.kind.definition
    return errors.not_found(about.group, about.plural, where.name)


def _require_writable(where: Target) -> None:
    about = where.kind.definition
    if about.view_of:
        raise MethodNotAllowed(
            f"{errors.qualified(about.group, about.plural)} are a view of {about.view_of}: write those"
        )


def _require_subresource(where: Target) -> None:
    about = where.kind.definition
    known = {*about.subresources, *(("status",) if about.status else ())}
    if where.subresource not in known:
        raise errors.NotFound(f"{errors.qualified(about.group, about.plural)} have no subresource {where.subresource}")


def _part(where: Target) -> str:
    """Return which part of the object a subresource writes."""
    return "spec" if where.subresource == "finalize" else where.subresource


def _metadata_of(body: Json) -> Json:
    """Return the metadata of a body that no model has checked. Raises BadRequest."""
    metadata = body.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise BadRequest("metadata must be an object")
    return metadata


def _require_named_so(where: Target, metadata: Json, *, needed: bool) -> None:
    """Raise BadRequest if the body is named otherwise than the path."""
    name, namespace = metadata.get("name", ""), metadata.get("namespace", "")
    if needed and not name:
        raise BadRequest(
            f"the name of the object ({where.name} based on URL) was undeterminable: name must be provided"
        )
    if name and where.name and name != where.name:
        raise BadRequest(f"the name of the object ({name}) does not match the name on the URL ({where.name})")
    if namespace and where.kind.definition.namespaced and namespace != where.namespace:
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")


def _without_status(kind: type[Object], body: Json) -> Json:
    if not kind.definition.status or not isinstance(body, dict) or "status" not in body:
        return body
    return {key: value for key, value in body.items() if key != "status"}


def _with_blank_status(kind: type[Object], body: Json) -> Json:
    status = blank(kind, "status") if kind.definition.status and "status" not in body else None
    return body if status is None else {**body, "status": status}


def _with_status_of(kind: type[Object], body: Json, old: Json) -> Json:
    if not kind.definition.status:
        return body
    rest = {key: value for key, value in body.items() if key != "status"}
    return {**rest, "status": old["status"]} if "status" in old else rest


def _patcher(where: Target, patch: Patch) -> Callable[[Json], Json]:
    """Return the function that a patch is. Raises UnsupportedMediaType."""
    merge_keys = where.kind.definition.merge_keys
    given = patch.body
    if patch.kind == "json":
        if isinstance(given, dict):
            raise BadRequest("a JSON patch is a list of operations")
        return lambda body: patches.json_patch(body, given)
    if not isinstance(given, dict):
        raise BadRequest("the patch must be a JSON object")
    if patch.kind == "merge":
        return lambda body: patches.merge(body, given)
    if patch.kind == "strategic" and merge_keys is not None:
        return lambda body: patches.strategic(body, given, merge_keys)
    raise UnsupportedMediaType(
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json-patch+json, application/merge-patch+json"
        + (", application/strategic-merge-patch+json" if merge_keys is not None else "")
    )
