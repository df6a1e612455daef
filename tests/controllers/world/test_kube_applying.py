"""How objects come into a cluster: through refusals that pass, past what cannot be changed, and kinds that are new."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest
import yaml

from tests.controllers.world.remote import REAL, Remote
from upright.controllers.world.kube_applying import KubeApplying
from upright.controllers.world.kube_discovery import KubeDiscovery
from upright.controllers.world.kubernetes import ApplyHow, Ref
from upright.openapi.errors import (
    APIError,
    BadRequest,
    Forbidden,
    InternalError,
    Invalid,
    NotFound,
    ServiceUnavailable,
    TooManyRequests,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from upright.controllers.world.kubeconfig_cluster import KubeconfigCluster
    from upright.controllers.world.kubernetes import Sighting
    from upright.openapi.meta import Json

CORE: Json = {"resources": [{"name": "configmaps", "kind": "ConfigMap", "namespaced": True}]}
WEBHOOK = 'Internal error occurred: failed calling webhook "w.example": connect: connection refused'
GROUP = "upright.example"


class Scripted:
    """A connection to a server that answers as it is told: a list of answers for each method and last word of the path."""

    def __init__(self, **answers: list[Json | APIError]) -> None:
        self.calls: list[str] = []
        self.times: list[float] = []
        self._answers = answers
        self.kinds: list[APIError] = []

    async def call(self, method: str, path: str, *_: object, **__: object) -> Json:
        if path == "/api/v1":
            if self.kinds:
                raise self.kinds.pop(0)
            return CORE
        self.calls.append(method)
        self.times.append(anyio.current_time())
        answers = self._answers[method]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, APIError):
            raise answer
        return answer


def applying(connection: Scripted) -> KubeApplying:
    there: Any = connection  # Any: only what is called of it is there
    return KubeApplying(there, KubeDiscovery(there), "prod")


def config_map(name: str = "a", **more: object) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **more}}


async def test_a_webhook_that_is_not_ready_is_waited_for() -> None:
    server = Scripted(PATCH=[InternalError(WEBHOOK), InternalError(WEBHOOK), config_map(uid="u")])
    answer = await applying(server).apply(config_map(), "default")
    assert answer["metadata"]["uid"] == "u"
    assert len(server.calls) == 3


async def test_a_kind_that_something_deployed_with_it_will_serve_is_waited_for() -> None:
    server = Scripted(PATCH=[config_map(uid="u")])
    server.kinds = [NotFound("no such group yet"), NotFound("no such group yet")]
    waits = ApplyHow(awaits_kind=True)
    assert (await applying(server).apply(config_map(), "default", waits))["metadata"]["uid"] == "u"
    server.kinds = [NotFound("no such group")]
    with pytest.raises(BadRequest, match="no matches for kind"):
        await applying(server).apply(config_map(), "default")


async def test_a_server_that_is_away_when_it_is_asked_for_its_kinds_is_waited_for() -> None:
    server = Scripted(PATCH=[config_map(uid="u")])
    server.kinds = [ServiceUnavailable("away"), NotFound("/api/v1: the server could not find the requested resource")]
    with pytest.raises(BadRequest, match="no matches for kind"):
        await applying(server).apply(config_map(), "default")
    server.kinds = [ServiceUnavailable("away"), InternalError("starting")]
    assert (await applying(server).apply(config_map(), "default"))["metadata"]["uid"] == "u"


async def test_a_webhook_that_does_not_get_ready_is_told_with_how_often_it_was_tried() -> None:
    server = Scripted(PATCH=[InternalError(WEBHOOK)])
    with pytest.raises(InternalError, match=r"failed calling webhook .* \(tried \d+ times in 1 s\)"):
        with anyio.fail_after(1):
            await applying(server).apply(config_map(), "default")


async def test_it_comes_again_when_the_server_says() -> None:
    later = TooManyRequests("too many", details={"retryAfterSeconds": 1})
    server = Scripted(PATCH=[later, config_map()])
    await applying(server).apply(config_map(), "default")
    assert server.times[1] - server.times[0] >= 1


async def test_what_cannot_be_changed_is_deleted_and_made_anew_and_that_is_told() -> None:
    said: list[str] = []
    server = Scripted(
        PATCH=[Invalid("data: Forbidden: field is immutable when `immutable` is set"), config_map(uid="new")],
        GET=[config_map(uid="old"), config_map(uid="old"), config_map(uid="old"), NotFound("gone")],
        DELETE=[{}],
    )
    answer = await applying(server).apply(config_map(), "default", ApplyHow(say=said.append))
    assert answer["metadata"]["uid"] == "new"
    assert server.calls == ["PATCH", "GET", "GET", "DELETE", "GET", "GET", "PATCH"]
    assert said[0].startswith("ConfigMap/a cannot be changed to what is wanted: it is deleted, and made anew")


async def test_what_is_to_be_kept_is_not_deleted_to_be_made_anew() -> None:
    kept = config_map(annotations={"tilt.dev/down-policy": "keep"})
    server = Scripted(PATCH=[Invalid("field is immutable")], GET=[kept])
    with pytest.raises(Invalid, match="its annotation says to keep it: delete it yourself, or leave the field"):
        await applying(server).apply(config_map(), "default")


async def test_what_does_not_end_is_told_with_what_holds_it() -> None:
    held = config_map(uid="u", deletionTimestamp="2026-01-02T03:04:05Z", finalizers=["shop.example/clean"])
    server = Scripted(PATCH=[held], GET=[held])
    told = r"ConfigMap/a is being deleted, and is not gone: its finalizers are shop\.example/clean"
    with pytest.raises(TimeoutError, match=told), anyio.fail_after(0.6):
        await applying(server).apply(config_map(), "default")


async def test_a_missing_permission_is_told_at_once() -> None:
    words = 'User "ci" cannot patch resource "configmaps" in API group "" in the namespace "default"'
    server = Scripted(PATCH=[Forbidden(words)])
    with pytest.raises(Forbidden, match=r"can-i patch configmaps -n default"):
        await applying(server).apply(config_map(), "default")
    assert server.calls == ["PATCH"]


async def test_a_delete_is_tried_again_too() -> None:
    server = Scripted(DELETE=[ServiceUnavailable("later"), {}])
    assert await applying(server).delete(Ref("v1", "ConfigMap", "a", "default"))
    assert server.calls == ["DELETE", "DELETE"]


@asynccontextmanager
async def real(folder: Path) -> AsyncGenerator[tuple[KubeconfigCluster, str]]:
    """Reach the real cluster, with a new namespace in it that goes afterwards."""
    if not REAL:
        pytest.skip("no UPRIGHT_TEST_KUBECONFIG")
    space = f"upright-{os.getpid()}"
    async with Remote(Path(REAL), 0).reached(folder) as cluster:
        await cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}}, namespace="")
        try:
            yield cluster, space
        finally:
            await cluster.delete(Ref("v1", "Namespace", space))


def workload(kind: str, app: str, *containers: str) -> Json:
    template = {
        "metadata": {"labels": {"app": app}},
        "spec": {"containers": [{"name": one, "image": "none.invalid/none"} for one in containers or ("a",)]},
    }
    spec: Json = {"replicas": 0, "selector": {"matchLabels": {"app": app}}, "template": template}
    if kind == "StatefulSet":
        spec["serviceName"] = app
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web"}, "spec": spec}


@pytest.mark.slow
async def test_a_new_kind_can_be_used_as_soon_as_its_definition_is_applied(tmp_path: Path) -> None:
    async with real(tmp_path) as (cluster, space):
        for turn in range(5):
            plural = f"widgets{turn}"
            kind = f"Widget{turn}"
            name = f"{plural}.{GROUP}"
            version = {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
            spec: Json = {
                "group": GROUP,
                "scope": "Namespaced",
                "names": {"plural": plural, "kind": kind},
                "versions": [version],
            }
            definition: Json = {
                "apiVersion": "apiextensions.k8s.io/v1",
                "kind": "CustomResourceDefinition",
                "metadata": {"name": name},
                "spec": spec,
            }
            try:
                await cluster.apply(definition, namespace=space)
                made = await cluster.apply(
                    {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": "one"}}, namespace=space
                )
                assert made["metadata"]["namespace"] == space
            finally:
                await cluster.delete(Ref("apiextensions.k8s.io/v1", "CustomResourceDefinition", name))


@pytest.mark.slow
async def test_what_each_kind_does_not_let_change_is_made_anew(tmp_path: Path) -> None:
    cases: list[tuple[Json, Json]] = [
        (workload("Deployment", "a"), workload("Deployment", "b")),
        (workload("StatefulSet", "a"), workload("StatefulSet", "b")),
    ]
    service: Json = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}
    port = {"ports": [{"port": 80}]}
    cases.append(({**service, "spec": port}, {**service, "spec": {**port, "clusterIP": "None"}}))
    binding: Json = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "web"},
        "subjects": [{"kind": "User", "name": "nobody", "apiGroup": "rbac.authorization.k8s.io"}],
    }
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role"}
    cases.append(({**binding, "roleRef": {**role, "name": "a"}}, {**binding, "roleRef": {**role, "name": "b"}}))
    secret: Json = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web"}}
    cases.append(({**secret, "type": "a/b"}, {**secret, "type": "c/d"}))
    async with real(tmp_path) as (cluster, space):
        for before, after in cases:
            first = await cluster.apply(before, namespace=space)
            said: list[str] = []
            with anyio.fail_after(30):
                second = await cluster.apply(after, namespace=space, how=ApplyHow(say=said.append))
            assert second["metadata"]["uid"] != first["metadata"]["uid"]
            assert len(said) == 1, said


@pytest.mark.slow
async def test_applied_from_here_is_what_kubectl_would_have_made_of_it(tmp_path: Path) -> None:
    how = ApplyHow(client_side=True)
    async with real(tmp_path) as (cluster, space):
        await cluster.apply(workload("Deployment", "a", "one", "two"), namespace=space, how=how)
        changed = workload("Deployment", "a", "two")
        changed["spec"]["strategy"] = {"type": "Recreate"}
        answer = await cluster.apply(changed, namespace=space, how=how)
        assert [one["name"] for one in answer["spec"]["template"]["spec"]["containers"]] == ["two"]
        assert answer["spec"]["strategy"] == {"type": "Recreate"}
        assert {one["operation"] for one in answer["metadata"]["managedFields"]} <= {"Update"}
        changed = workload("Deployment", "a", "three")
        answer = await cluster.apply(changed, namespace=space)
        assert [one["name"] for one in answer["spec"]["template"]["spec"]["containers"]] == ["three"]
        assert not [name for name in answer["metadata"].get("annotations") or () if "last-applied" in name]


@pytest.mark.slow
async def test_what_others_applied_before_does_not_have_the_rest_refused(tmp_path: Path) -> None:
    before, after = workload("Deployment", "a"), workload("Deployment", "a")
    before["spec"]["strategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 3}}
    after["spec"]["strategy"] = {"type": "Recreate"}
    async with real(tmp_path) as (cluster, space):
        first = await cluster.apply(before, namespace=space, how=ApplyHow(client_side=True))
        second = await cluster.apply(after, namespace=space)
        assert second["metadata"]["uid"] == first["metadata"]["uid"]
        assert second["spec"]["strategy"] == {"type": "Recreate"}


@pytest.mark.slow
async def test_a_namespace_that_is_on_its_way_out_is_made_anew(tmp_path: Path) -> None:
    async with real(tmp_path) as (cluster, space):
        own = f"{space}-again"
        ref = Ref("v1", "Namespace", own)
        body: Json = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": own}}
        try:
            first = await cluster.apply(body, namespace="")
            await cluster.apply(config_map(), namespace=own)
            await cluster.delete(ref)
            with anyio.fail_after(60):
                second = await cluster.apply(body, namespace="")
            assert second["metadata"]["uid"] != first["metadata"]["uid"]
            pod: Json = {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "early"},
                "spec": {"containers": [{"name": "a", "image": "none.invalid/none"}]},
            }
            with anyio.fail_after(30):
                await cluster.apply(pod, namespace=own)
        finally:
            await cluster.delete(ref)


async def apply_until_refused(cluster: KubeconfigCluster, space: str) -> None:
    """Apply again and again: a server needs a moment to heed a webhook."""
    while True:
        await cluster.apply(config_map(), namespace=space)
        await cluster.delete(Ref("v1", "ConfigMap", "a", space))


@pytest.mark.slow
async def test_a_webhook_that_nobody_serves_is_waited_for_and_then_told(tmp_path: Path) -> None:
    async with real(tmp_path) as (cluster, space):
        hook = {
            "name": "nobody.upright.example",
            "failurePolicy": "Fail",
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "timeoutSeconds": 1,
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": space}},
            "rules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
            ],
            "clientConfig": {"url": "https://127.0.0.1:1/validate"},
        }
        kind = "ValidatingWebhookConfiguration"
        name = f"{space}.example"
        configuration: Json = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind}
        await cluster.apply({**configuration, "metadata": {"name": name}, "webhooks": [hook]}, namespace="")
        try:
            told = r'failed calling webhook "nobody.upright.example": .*\(tried \d+ times in'
            with pytest.raises(InternalError, match=told), anyio.fail_after(3):
                await apply_until_refused(cluster, space)
            async with anyio.create_task_group() as group:
                group.start_soon(cluster.delete, Ref(configuration["apiVersion"], kind, name))
                with anyio.fail_after(30):
                    assert await cluster.apply(config_map("b"), namespace=space)
        finally:
            await cluster.delete(Ref(configuration["apiVersion"], kind, name))


@pytest.mark.slow
async def test_who_may_not_deploy_is_told_what_is_missing(tmp_path: Path) -> None:
    async with real(tmp_path) as (_, space):
        config = yaml.safe_load(await anyio.Path(REAL).read_text())
        for user in config["users"]:
            user["user"]["as"] = "nobody"
        path = anyio.Path(tmp_path / "as-nobody")
        await path.write_text(yaml.safe_dump(config))
        async with Remote(Path(path), 0).reached(tmp_path / "nobody") as cluster:
            with pytest.raises(Forbidden, match=rf'User "nobody" cannot \w+ .* auth can-i \w+ configmaps -n {space}`'):
                await cluster.apply(config_map(), namespace=space)
            lost: list[str] = []

            def tell(sighting: Sighting) -> None:
                lost.append(str(sighting.object.get("message")))
                group.cancel_scope.cancel()

            async with anyio.create_task_group() as group:
                group.start_soon(cluster.watch, "v1", "Pod", space, tell)
        assert f"`kubectl auth can-i list pods -n {space}` tells" in lost[0]
