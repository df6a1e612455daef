"""The operations of a group-version: path, method, parameters, body, answer; OpenAPI v2 and v3 are two spellings of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from upright.openapi.documents.discovery import kinds_of
from upright.openapi.documents.meta_schemas import EVICTION, META_PREFIX, SCALE
from upright.openapi.documents.schemas import schema_name
from upright.openapi.documents.verbs import subresources, verbs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.openapi.scheme import Kind, Scheme

PATCH_TYPES = ("application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml")
STRATEGIC = "application/strategic-merge-patch+json"


class Parameter(Struct, frozen=True):
    """A parameter in the query, or in the path."""

    name: str
    description: str
    type: str = "string"
    place: str = "query"


class Operation(Struct, frozen=True):
    """One method of one path. ``body`` and ``answer`` are schema names; an answer ``""`` is text."""

    path: str
    method: str
    id: str
    action: str
    kind: Kind
    description: str
    parameters: tuple[Parameter, ...] = ()
    body: str = ""
    takes: tuple[str, ...] = ()
    answer: str = ""
    foreign: tuple[str, str, str] | None = None

    @property
    def gvk(self) -> dict[str, str]:
        """What is sent and answered: the kind, or for some subresources (``foreign``) one of another group."""
        group, version, kind = self.foreign or (self.kind.group, self.kind.version, self.kind.kind)
        return {"group": group, "version": version, "kind": kind}


_NAME = Parameter("name", "name of the object", place="path")
_NAMESPACE = Parameter("namespace", "namespace of the object", place="path")
_DRY_RUN = Parameter("dryRun", "All: do everything but store it.")
_MANAGER = Parameter("fieldManager", "Who makes this change.")
_VALIDATION = Parameter("fieldValidation", "What to do with unknown fields: Ignore, Warn or Strict.")
_FORCE = Parameter("force", "Take over fields that belong to other managers (apply patches).", "boolean")
_WRITE = (_DRY_RUN, _MANAGER, _VALIDATION)
_DELETE = (
    _DRY_RUN,
    Parameter("gracePeriodSeconds", "How long the object may take to end.", "integer"),
    Parameter("propagationPolicy", "What becomes of its dependents: Background, Foreground or Orphan."),
)
_LIST = (
    Parameter("allowWatchBookmarks", "Send bookmarks in a watch.", "boolean"),
    Parameter("continue", "Where the previous page ended."),
    Parameter("fieldSelector", "Only objects with these fields."),
    Parameter("labelSelector", "Only objects with these labels."),
    Parameter("limit", "How many objects at most.", "integer"),
    Parameter("resourceVersion", "From which state on."),
    Parameter("resourceVersionMatch", "How resourceVersion is meant: Exact or NotOlderThan."),
    Parameter("sendInitialEvents", "Begin a watch with what is there.", "boolean"),
    Parameter("timeoutSeconds", "How long a watch may last.", "integer"),
    Parameter("watch", "Send changes instead of the list.", "boolean"),
)
_LOG = (
    Parameter("container", "Which container."),
    Parameter("follow", "Go on with what is written from now.", "boolean"),
    Parameter("previous", "The run before this one.", "boolean"),
    Parameter("sinceSeconds", "Not older than this.", "integer"),
    Parameter("sinceTime", "Not before this moment."),
    Parameter("tailLines", "Only the last lines.", "integer"),
    Parameter("timestamps", "Begin each line with its moment.", "boolean"),
)
_RUN_LOG = (
    _LOG[1],
    Parameter("format", "text (a line each, as it was written) or json (an object a line)."),
    Parameter("least", "INFO, or with more said: VERBOSE, DEBUG."),
    Parameter("level", "Only lines of this level: warn or error."),
    Parameter("resource", "Of a Session's log: only lines of these resources; may be repeated."),
    *_LOG[3:5],
    Parameter("source", "Only lines from: all, build, runtime."),
    *_LOG[5:],
)

_STREAMS = (
    Parameter("container", "Which container."),
    Parameter("stderr", "Send what it complains of.", "boolean"),
    Parameter("stdin", "Take what is typed.", "boolean"),
    Parameter("stdout", "Send what it prints.", "boolean"),
    Parameter("tty", "Give it a terminal.", "boolean"),
)
_TALKS: dict[str, tuple[Parameter, ...]] = {
    "attach": _STREAMS,
    "exec": (Parameter("command", "The command, a word each time; may be repeated."), *_STREAMS),
    "portforward": (Parameter("ports", "Which ports; may be repeated.", "integer"),),
}
_SCALE_KIND = ("autoscaling", "v1", "Scale")
_EVICTION_KIND = ("policy", "v1", "Eviction")


def operations(scheme: Scheme, group: str, version: str) -> Iterator[Operation]:
    """Yield the operations of a group-version, kind by kind."""
    for kind in kinds_of(scheme, group, version):
        yield from _collection(kind)
        yield from _item(kind)
        for name in subresources(kind):
            yield from _below(kind, name)


def _root(kind: Kind) -> str:
    return f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"


def _path(kind: Kind) -> str:
    return (
        f"{_root(kind)}/namespaces/{{namespace}}/{kind.plural}" if kind.namespaced else f"{_root(kind)}/{kind.plural}"
    )


def _id(verb: str, kind: Kind, suffix: str = "") -> str:
    words = (kind.group or "core").removesuffix(".k8s.io").split(".")
    group = "".join(word.capitalize() for word in words)
    return f"{verb}{group}{kind.version.capitalize()}{'Namespaced' if kind.namespaced else ''}{kind.kind}{suffix}"


def _where(kind: Kind, *, named: bool) -> tuple[Parameter, ...]:
    return ((_NAME,) if named else ()) + ((_NAMESPACE,) if kind.namespaced else ())


def _collection(kind: Kind) -> Iterator[Operation]:
    path, where, one, can = _path(kind), _where(kind, named=False), schema_name(kind), verbs(kind)
    many = f"{one}List"
    yield Operation(
        path, "get", _id("list", kind), "list", kind, f"list or watch {kind.plural}", where + _LIST, answer=many
    )
    if "create" in can:
        told = f"create a {kind.kind}"
        yield Operation(path, "post", _id("create", kind), "post", kind, told, where + _WRITE, one, answer=one)
    if "deletecollection" in can:
        told, body = f"delete many {kind.plural}", f"{META_PREFIX}.DeleteOptions"
        status, asked = f"{META_PREFIX}.Status", where + _DELETE + _LIST[1:7]
        yield Operation(
            path, "delete", _id("deleteCollection", kind), "deletecollection", kind, told, asked, body, (), status
        )
    if kind.namespaced:
        everywhere = f"list{_id('', kind).replace('Namespaced', '')}ForAllNamespaces"
        told = f"list or watch {kind.plural} of all namespaces"
        yield Operation(f"{_root(kind)}/{kind.plural}", "get", everywhere, "list", kind, told, _LIST, answer=many)


def _item(kind: Kind) -> Iterator[Operation]:
    path, can = f"{_path(kind)}/{{name}}", verbs(kind)
    yield from _readable(kind, path, "")
    if "update" in can:
        yield from _writable(kind, path, "")
    if "delete" in can:
        told, body = f"delete a {kind.kind}", f"{META_PREFIX}.DeleteOptions"
        asked, status = _where(kind, named=True) + _DELETE, f"{META_PREFIX}.Status"
        yield Operation(path, "delete", _id("delete", kind), "delete", kind, told, asked, body, (), status)


def _below(kind: Kind, name: str) -> Iterator[Operation]:
    path, can, suffix = f"{_path(kind)}/{{name}}/{name}", subresources(kind)[name], name.capitalize()
    if name == "status":
        yield from _readable(kind, path, suffix)
        if "update" in can:
            yield from _writable(kind, path, suffix)
    elif name == "scale":
        yield from _scale(kind, path)
    elif name == "eviction":
        told, status = f"evict a {kind.kind}", f"{META_PREFIX}.Status"
        asked = _where(kind, named=True) + _WRITE
        yield Operation(
            path, "post", _id("create", kind, suffix), "post", kind, told, asked, EVICTION, (), status, _EVICTION_KIND
        )
    elif name in _TALKS:
        asked = _where(kind, named=True) + _TALKS[name]
        for method in ("get", "post"):
            told = f"connect {method.upper()} requests to {name} of a {kind.kind}, as a WebSocket"
            yield Operation(
                path, method, _id(f"connect{method.capitalize()}", kind, suffix), "connect", kind, told, asked
            )
    elif "get" in can:
        asked = _where(kind, named=True) + (_logs(kind) if name == "log" else ())
        told = f"read {name} of a {kind.kind}"
        yield Operation(path, "get", _id("read", kind, suffix), "get", kind, told, asked)


def _scale(kind: Kind, path: str) -> Iterator[Operation]:
    where, foreign = _where(kind, named=True), _SCALE_KIND
    told = f"scale of a {kind.kind}"
    name = partial(_id, kind=kind, suffix="Scale")
    yield Operation(path, "get", name("read"), "get", kind, f"read {told}", where, answer=SCALE, foreign=foreign)
    asked = where + _WRITE
    yield Operation(path, "put", name("replace"), "put", kind, f"replace {told}", asked, SCALE, (), SCALE, foreign)
    takes, body = PATCH_TYPES[1:2], f"{META_PREFIX}.Patch"
    yield Operation(path, "patch", name("patch"), "patch", kind, f"patch {told}", asked, body, takes, SCALE, foreign)


def _logs(kind: Kind) -> tuple[Parameter, ...]:
    return _RUN_LOG if kind.group else _LOG


def _readable(kind: Kind, path: str, suffix: str) -> Iterator[Operation]:
    told, asked = f"read {suffix.lower() or 'a'} {kind.kind}", _where(kind, named=True)
    yield Operation(path, "get", _id("read", kind, suffix), "get", kind, told, asked, answer=schema_name(kind))


def _writable(kind: Kind, path: str, suffix: str) -> Iterator[Operation]:
    one, where = schema_name(kind), _where(kind, named=True)
    told = f"replace {suffix.lower() or 'a'} {kind.kind}"
    yield Operation(path, "put", _id("replace", kind, suffix), "put", kind, told, where + _WRITE, one, answer=one)
    takes = PATCH_TYPES + ((STRATEGIC,) if kind.merge_keys is not None else ())
    told, asked, body = f"patch {suffix.lower() or 'a'} {kind.kind}", (*where, *_WRITE, _FORCE), f"{META_PREFIX}.Patch"
    yield Operation(path, "patch", _id("patch", kind, suffix), "patch", kind, told, asked, body, takes, one)


def spelled(parameter: Parameter) -> dict[str, Any]:
    """Return what v2 and v3 say alike of a parameter."""
    about: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
    }
    return about | ({"required": True} if parameter.place == "path" else {})
