"""What the server has done and how it is, as Prometheus reads it: GET /metrics. Names are Kubernetes' where it has them."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from upright.apiserver.app.exchange import Exchange
    from upright.apiserver.app.open_answers import OpenAnswers
    from upright.apiserver.app.places import Place
    from upright.apiserver.registry import Registry

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class _Latency:
    """How long the requests of one verb and resource took."""

    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BUCKETS_SECONDS) + 1)
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        self.buckets[bisect_left(BUCKETS_SECONDS, seconds)] += 1
        self.seconds += seconds


class Metrics:
    """Counts the requests of one server; the rest is looked up when it is asked for."""

    def __init__(self, registry: Registry, answers: OpenAnswers) -> None:
        self._registry = registry
        self._answers = answers
        self._requests: dict[tuple[str, str, str, str, int], int] = {}
        self._latencies: dict[tuple[str, str], _Latency] = {}

    def note(self, exchange: Exchange, place: Place | None, seconds: float) -> None:
        """Count a request that was answered; how long a watch or a log lasted says nothing."""
        verb = _verb(exchange, place)
        about = place.kind.definition if place else None
        group, resource = (about.group, about.plural) if about else ("", "")
        key = (verb, group, resource, place.subresource if place else "", exchange.status)
        self._requests[key] = self._requests.get(key, 0) + 1
        if not exchange.pieces and verb != "watch":
            self._latencies.setdefault((verb, resource), _Latency()).add(seconds)

    def text(self) -> bytes:
        """Return all of it."""
        return "".join(f"{line}\n" for line in self._lines()).encode()

    def _lines(self) -> Iterator[str]:
        name = "apiserver_request_total"
        yield from _head(name, "counter", "Requests answered, by verb, resource and status code.")
        for (verb, group, resource, subresource, code), count in sorted(self._requests.items()):
            about = {"verb": verb, "group": group, "resource": resource, "subresource": subresource, "code": str(code)}
            yield _line(name, about, count)
        name = "apiserver_request_duration_seconds"
        yield from _head(name, "histogram", "How long requests took, watches and logs apart.")
        for (verb, resource), latency in sorted(self._latencies.items()):
            yield from _histogram(name, {"verb": verb, "resource": resource}, latency)
        yield from _single(
            "apiserver_longrunning_requests", "gauge", "Watches and other open answers.", len(self._answers)
        )
        yield from self._of_storage()

    def _of_storage(self) -> Iterator[str]:
        store = self._registry.store
        name = "apiserver_storage_objects"
        yield from _head(name, "gauge", "Objects stored, by resource.")
        for kind in self._registry.scheme:
            about = kind.definition
            if not about.view_of:
                yield _line(name, {"resource": about.resource}, store.count(about.resource))
        figures = store.figures()
        yield from _single("upright_watchers", "gauge", "Watches that storage tells of changes.", figures.watchers)
        yield from _single("upright_store_queue_writes", "gauge", "Writes that wait for their commit.", figures.queued)
        yield from _single("upright_store_groups_total", "counter", "Groups of writes committed.", figures.groups)
        yield from _single("upright_store_writes_total", "counter", "Writes committed.", figures.writes)
        yield from _single("upright_store_revision", "gauge", "The revision of the last change.", store.revision)
        told = "The revision up to which the past is forgotten."
        yield from _single("upright_store_compacted_revision", "gauge", told, store.compacted)


def _verb(exchange: Exchange, place: Place | None) -> str:
    verb = _VERBS.get(exchange.method, "other")
    if verb == "get" and exchange.scope.get("query_string") and exchange.flag("watch"):
        return "watch"
    if place and not place.name:
        return {"get": "list", "delete": "deletecollection"}.get(verb, verb)
    return verb


def _histogram(name: str, about: Mapping[str, str], latency: _Latency) -> Iterator[str]:
    total = 0
    for edge, count in zip((*BUCKETS_SECONDS, "+Inf"), latency.buckets, strict=True):
        total += count
        yield _line(f"{name}_bucket", {**about, "le": str(edge)}, total)
    yield _line(f"{name}_sum", about, round(latency.seconds, 6))
    yield _line(f"{name}_count", about, total)


def _single(name: str, kind: str, told: str, value: float) -> Iterator[str]:
    yield from _head(name, kind, told)
    yield _line(name, {}, value)


def _head(name: str, kind: str, told: str) -> Iterator[str]:
    yield f"# HELP {name} {told}"
    yield f"# TYPE {name} {kind}"


def _line(name: str, about: Mapping[str, str], value: float) -> str:
    labels = ",".join(f'{key}="{_escaped(text)}"' for key, text in about.items())
    return f"{name}{{{labels}}} {value}" if labels else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
