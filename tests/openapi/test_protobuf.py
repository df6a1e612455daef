from __future__ import annotations

import pytest

from upright.openapi.protobuf.numbers import messages
from upright.openapi.protobuf.reading import ProtobufError, read


def _number(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*made, value])


def put(number: int, value: int | str | bytes) -> bytes:
    """Return a field as protobuf has it."""
    if isinstance(value, int):
        return _number(number << 3) + _number(value % (1 << 64))
    data = value.encode() if isinstance(value, str) else value
    return _number(number << 3 | 2) + _number(len(data)) + data


def envelope(api_version: str, kind: str, raw: bytes) -> bytes:
    return b"k8s\x00" + put(1, put(1, api_version) + put(2, kind)) + put(2, raw) + put(3, "") + put(4, "")


def test_a_secret_is_read() -> None:
    moment = put(8, b"")
    labels = put(11, put(1, "owner") + put(2, "helm"))
    metadata = put(1, "release") + put(2, "") + put(3, "default") + put(7, 0) + moment + labels + put(17, put(1, "x"))
    raw = put(1, metadata) + put(2, put(1, "release") + put(2, b"\x00\xff")) + put(3, "helm.sh/release.v1") + put(5, 0)
    assert read(envelope("v1", "Secret", raw)) == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "release", "namespace": "default", "labels": {"owner": "helm"}},
        "data": {"release": "AP8="},
        "type": "helm.sh/release.v1",
        "immutable": False,
    }


def test_a_pointers_zero_stays_and_gos_own_zeros_go() -> None:
    limits = put(1, put(1, "cpu") + put(2, put(1, "100m")))
    probe = put(1, put(2, put(1, "/") + put(2, put(1, 1) + put(2, 0) + put(3, "http")))) + put(2, 0)
    port = put(1, "") + put(2, 0) + put(3, 8080)
    container = (
        put(1, "web") + put(3, "sleep") + put(3, "") + put(6, port) + put(8, limits) + put(11, probe) + put(16, 0)
    )
    volume = put(1, "v") + put(2, put(2, b""))
    pod = put(1, volume) + put(2, container) + put(4, 0) + put(3, "")
    spec = put(1, 0) + put(3, put(1, b"") + put(2, pod)) + put(4, put(2, put(1, put(1, 0) + put(2, 2) + put(3, ""))))
    assert read(envelope("apps/v1", "Deployment", put(2, spec) + put(3, put(1, 5))))["spec"] == {
        "replicas": 0,
        "template": {
            "metadata": {},
            "spec": {
                "volumes": [{"name": "v", "emptyDir": {}}],
                "containers": [
                    {
                        "name": "web",
                        "command": ["sleep", ""],
                        "ports": [{"containerPort": 8080}],
                        "resources": {"limits": {"cpu": "100m"}},
                        "readinessProbe": {"httpGet": {"path": "/", "port": "http"}},
                    }
                ],
                "terminationGracePeriodSeconds": 0,
            },
        },
        "strategy": {"rollingUpdate": {"maxUnavailable": 2}},
    }


def test_moments_are_read_as_json_has_them() -> None:
    lease = put(3, put(1, 1_700_000_000) + put(2, 123_456_789)) + put(4, b"")
    metadata = put(8, put(1, 1_700_000_000))
    found = read(envelope("coordination.k8s.io/v1", "Lease", put(1, metadata) + put(2, lease)))
    assert found["metadata"] == {"creationTimestamp": "2023-11-14T22:13:20Z"}
    assert found["spec"] == {"acquireTime": "2023-11-14T22:13:20.123456Z"}


def test_what_is_not_implemented_can_still_be_refused_by_its_name() -> None:
    volume = put(1, "v") + put(2, put(7, put(1, "server")))
    found = read(envelope("v1", "Pod", put(2, put(1, volume))))
    assert found["spec"]["volumes"] == [{"name": "v", "nfs": {}}]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"k8s\x00\xff",
        b"k8s\x00" + b"\xff" * 20,
        envelope("tilt.dev/v1alpha1", "Session", b""),
        envelope("v1", "Secret", put(99, "x")),
        envelope("v1", "Secret", put(3, b"\xff")),
        envelope("v1", "Secret", put(3, 7)),
        envelope("v1", "Secret", put(5, "x")),
        envelope("v1", "Secret", b"\x1a\x7fabc"),
        envelope("v1", "Secret", b"\x1b"),
        envelope("v1", "Secret", put(1, put(8, put(1, 1 << 62)))),
    ],
)
def test_what_cannot_be_read_is_refused(raw: bytes) -> None:
    with pytest.raises(ProtobufError):
        read(raw)


def test_every_type_that_is_named_is_there() -> None:
    plain = {"", "int", "bool", "bytes", "quantity", "Time", "MicroTime", "IntOrString", "?", "-"}
    named = {field.type for fields in messages().values() for field in fields.values()}
    assert {name for name in named if not name.startswith("{")} <= plain | {*messages()}
