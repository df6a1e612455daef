from __future__ import annotations

import pytest

from upright.controllers.world.engine.errors import (
    Conflict,
    EngineError,
    ExecutableForbidden,
    ExecutableForeign,
    ExecutableNotFound,
    ImageNotFound,
    NotFound,
    PullDenied,
    PullFailed,
    PullLimited,
    PullNotFound,
    PullUnavailable,
    PushDenied,
    PushFailed,
    PushUnavailable,
    PushUntrusted,
    StartFailed,
)
from upright.controllers.world.engine.words import message_of, named, pull_error, push_error, start_error


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"message":"page not found"}', "page not found"),
        (b'{"cause":"x","message":"no such container","response":404}', "no such container"),
        (b"Not Found\n", "Not Found"),
        (b"", "HTTP status 500"),
        (b"[1]", "[1]"),
    ],
)
def test_the_engines_words_are_found_in_any_form(content: bytes, words: str) -> None:
    assert message_of(content, 500) == words


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (404, "No such image: nothing:1", ImageNotFound),
        (404, "nothing:1: image not known", ImageNotFound),
        (500, "failed to find image nothing:1: nothing:1: image not known", ImageNotFound),
        (404, "No such container: abc", NotFound),
        (404, "network abc not found", NotFound),
        (409, 'Conflict. The container name "/a" is already in use by container "b".', Conflict),
        (500, "the container name is already in use", Conflict),
        (403, "error while removing network: network x id y has active endpoints", Conflict),
        (500, "can only kill running containers. x is in state exited: container state improper", Conflict),
        (500, "something else", EngineError),
    ],
)
def test_answers_are_named_for_what_happened(status: int, message: str, kind: type[EngineError]) -> None:
    error = named(status, message)
    assert type(error) is kind
    assert (error.message, error.status) == (message, status)


def test_an_engine_without_namespaces_is_told_with_what_to_do() -> None:
    error = named(500, "Error creating mount namespace before pivot: operation not permitted")
    assert "operation not permitted" in error.message
    assert "Give the job a Docker service" in error.message


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (
            'failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "x": executable file not found in $PATH: unknown',
            ExecutableNotFound,
        ),
        (
            'runc create failed: unable to start container process: exec: "/bin/x": stat /bin/x: no such file or directory: unknown',
            ExecutableNotFound,
        ),
        (
            'runc create failed: unable to start container process: exec: "/etc/passwd": permission denied: unknown',
            ExecutableForbidden,
        ),
        ('runc create failed: unable to start container process: exec: "/data": is a directory', ExecutableForbidden),
        ("crun: executable file `x` not found in $PATH: No such file or directory", ExecutableNotFound),
        ("runc: runc create failed: unable to start container process: exec /x: exec format error", ExecutableForeign),
        (
            'runc create failed: unable to start container process: error during container init: error mounting "/no" to rootfs at "/data": stat /no: no such file or directory',
            StartFailed,
        ),
        ("driver failed programming external connectivity: port is already allocated", StartFailed),
    ],
)
def test_a_failed_start_says_whether_the_program_is_to_blame(message: str, kind: type[StartFailed]) -> None:
    error = start_error(named(400, message))
    assert type(error) is kind
    assert error.message == message


def test_starting_what_is_gone_is_not_a_failed_start() -> None:
    assert type(start_error(named(404, "No such container: abc"))) is NotFound


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("manifest for nginx:nope not found: manifest unknown: manifest unknown", PullNotFound),
        ("reading manifest nope in docker.io/library/nginx: manifest unknown", PullNotFound),
        ("no matching manifest for linux/arm64 in the manifest list entries", PullNotFound),
        (
            "pull access denied for nope, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
            PullDenied,
        ),
        ("Head https://ghcr.io/v2/x/y/manifests/latest: unauthorized", PullDenied),
        ("unexpected status from HEAD request to https://r/v2/x/manifests/1: 403 Forbidden", PullDenied),
        (
            "toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating",
            PullLimited,
        ),
        ("Get https://nope.example/v2/: dial tcp: lookup nope.example on 10.0.0.2:53: no such host", PullUnavailable),
        ("Get http://127.0.0.1:1/v2/: dial tcp 127.0.0.1:1: connect: connection refused", PullUnavailable),
        ("net/http: request canceled (Client.Timeout exceeded while awaiting headers)", PullUnavailable),
        ("x509: certificate signed by unknown authority", PullUnavailable),
        ("http: server gave HTTP response to HTTPS client", PullUnavailable),
        ("invalid reference format", PullFailed),
    ],
)
def test_a_failed_pull_says_why(message: str, kind: type[PullFailed]) -> None:
    error = pull_error(named(500, message), "nginx:1")
    assert type(error) is kind
    assert error.message == f'cannot pull "nginx:1": {message}'


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("denied: requested access to the resource is denied", PushDenied),
        ("unauthorized: authentication required", PushDenied),
        ("Get http://127.0.0.1:1/v2/: dial tcp 127.0.0.1:1: connect: connection refused", PushUnavailable),
        ("blob upload invalid", PushUnavailable),
        ("received unexpected HTTP status: 503 Service Unavailable", PushUnavailable),
        ("toomanyrequests: slow down", PushUnavailable),
        ('Get "http://127.0.0.1:39757/v2/": EOF', PushUnavailable),
        ("write tcp 127.0.0.1:1->127.0.0.1:2: write: broken pipe", PushUnavailable),
        ('Get "https://reg.test/v2/": x509: certificate signed by unknown authority', PushUntrusted),
        ('Get "https://reg.test/v2/": http: server gave HTTP response to HTTPS client', PushUntrusted),
        ("error parsing HTTP 413 response body: invalid character '<' looking for beginning of value", PushFailed),
        ("write /var/lib/docker/tmp/x: no space left on device", PushFailed),
        ("An image does not exist locally with the tag: x", ImageNotFound),
    ],
)
def test_a_failed_push_says_why(message: str, kind: type[EngineError]) -> None:
    assert type(push_error(named(500, message), "x")) is kind
