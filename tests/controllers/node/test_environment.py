from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tests.controllers.node.pods import pod
from upright.controllers.node.environment import Missing, PodFacts, environment, expand
from upright.openapi.core_v1.config_map import ConfigMap
from upright.openapi.core_v1.secret import Secret


@dataclass
class Known:
    config_maps: dict[str, ConfigMap] = field(default_factory=dict)
    secrets: dict[str, Secret] = field(default_factory=dict)

    def config_map(self, name: str) -> ConfigMap | None:
        return self.config_maps.get(name)

    def secret(self, name: str) -> Secret | None:
        return self.secrets.get(name)


KNOWN = Known({"cfg": ConfigMap(data={"color": "red"})}, {"key": Secret(data={"token": "czNjcjN0"})})


def variables(known: Known = KNOWN, **container: object) -> dict[str, str]:
    of = pod(containers=[{"name": "web", "image": "x", **container}])
    return environment(of.spec.containers[0], PodFacts(of, "10.77.0.5", "10.77.0.1"), known)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(A)/x", "1/x"),
        ("$(B)", "$(B)"),
        ("$$(A)", "$(A)"),
        ("$A", "$A"),
        ("$(A", "$(A"),
        ("$$$(A)", "$1"),
        ("a$", "a$"),
    ],
)
def test_references_are_expanded_as_kubernetes_does(text: str, expected: str) -> None:
    assert expand(text, {"A": "1"}) == expected


def test_a_variable_may_use_those_before_it() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)$(C)"}, {"name": "C", "value": "3"}]
    assert variables(env=env) == {"A": "1", "B": "1$(C)", "C": "3"}


def test_whole_config_maps_and_secrets_come_first_and_may_have_a_prefix() -> None:
    got = variables(
        envFrom=[{"prefix": "CFG_", "configMapRef": {"name": "cfg"}}, {"secretRef": {"name": "key"}}],
        env=[{"name": "token", "value": "own"}, {"name": "TOLD", "value": "$(CFG_color)"}],
    )
    assert got == {"CFG_color": "red", "token": "own", "TOLD": "red"}


def test_single_keys_and_fields() -> None:
    got = variables(
        env=[
            {"name": "COLOR", "valueFrom": {"configMapKeyRef": {"name": "cfg", "key": "color"}}},
            {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "key", "key": "token"}}},
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
            {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        ]
    )
    assert got == {"COLOR": "red", "TOKEN": "s3cr3t", "IP": "10.77.0.5", "APP": "web", "NODE": "upright"}


@pytest.mark.parametrize(
    ("container", "message"),
    [
        ({"envFrom": [{"configMapRef": {"name": "no"}}]}, 'configmap "no" not found'),
        ({"envFrom": [{"secretRef": {"name": "no"}}]}, 'secret "no" not found'),
        (
            {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "no", "key": "a"}}}]},
            'secret "no" not found',
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "cfg", "key": "a"}}}]},
            "couldn't find key a in ConfigMap shop/cfg",
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "key", "key": "a"}}}]},
            "couldn't find key a in Secret shop/key",
        ),
    ],
)
def test_what_is_missing_is_said_in_kubernetes_words(container: dict[str, object], message: str) -> None:
    with pytest.raises(Missing) as caught:
        variables(**container)  # type: ignore[arg-type]  # the fields of a container
    assert str(caught.value) == message


def test_what_is_optional_may_be_missing() -> None:
    got = variables(
        envFrom=[{"configMapRef": {"name": "no", "optional": True}}],
        env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "key", "key": "no", "optional": True}}}],
    )
    assert got == {}
