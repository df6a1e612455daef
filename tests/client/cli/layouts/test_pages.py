"""What describe prints, whole pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from upright.client.cli.layouts import cluster, fields, resource, session
from upright.client.cli.layouts.fields import title
from upright.client.cli.layouts.waiting import in_words
from upright.openapi.v1alpha1.cluster import Cluster
from upright.openapi.v1alpha1.resource import Resource
from upright.openapi.v1alpha1.session import Session

if TYPE_CHECKING:
    from upright.openapi.meta import Json

NOW = datetime(2026, 11, 23, 6, 10, 0, tzinfo=UTC)


def at(minute: int, second: int = 0) -> str:
    return f"2026-11-23T06:{minute:02}:{second:02}.000000Z"


def card() -> Json:
    return {
        "resource": "api",
        "target": "api:runtime",
        "path": ["Deployment/api", "Pod/api-7d9-x2x", "container api"],
        "rule": "crash loop",
        "message": "container api exited with code 7 three times",
        "since": at(9, 30),
        "exitCode": 7,
        "image": "shop/api:tilt-1",
        "logs": ["no database", "giving up"],
        "events": ["BackOff: back-off restarting failed container"],
        "heldBack": ["smoke"],
    }


def a_resource(name: str, status: Json | None = None, **spec: object) -> Json:
    spec = {"kind": "local", "local": {"update": {"args": ["true"]}}, **spec}
    body = {"apiVersion": "tilt.dev/v1alpha1", "kind": "Resource", "metadata": {"name": name}, "spec": spec}
    return Resource.model_validate({**body, "status": status or {}}).to_wire()


def a_session(targets: list[Json], **status: object) -> Json:
    return Session.model_validate(
        {
            "apiVersion": "tilt.dev/v1alpha1",
            "kind": "Session",
            "metadata": {"name": "Tiltfile"},
            "spec": {
                "tiltfilePath": "/shop/Tiltfile",
                "exitCondition": "ci",
                "ci": {"timeout": "30m0s", "readinessTimeout": "5m0s"},
            },
            "status": {"pid": 4711, "startTime": at(5), "targets": targets, **status},
        }
    ).to_wire()


def target(name: str, kind: str, **state: Json) -> Json:
    return {"name": name, "type": kind, "resources": [name.partition(":")[0]], "state": state}


def test_a_session_says_what_it_waits_for_and_why_longest_first() -> None:
    body = a_session(
        [
            target("api:runtime", "server", active={"startTime": at(8), "ready": False}),
            target("db:runtime", "server", active={"startTime": at(6), "ready": True, "lastReadyTime": at(7)}),
            target("docs:update", "job", disabled={}),
            target("migrate:update", "job", terminated={"startTime": at(6), "finishTime": at(6, 30)}),
            target("smoke:update", "job", waiting={"waitReason": "waiting-for-dep"}),
            target("web:runtime", "server", waiting={"waitReason": "ContainerCreating"}),
        ]
    )
    smoke = a_resource(
        "smoke",
        {
            "pendingBuildSince": at(5, 30),
            "waiting": {"reason": "waiting-for-dep", "on": [{"kind": "UIResource", "name": "api"}]},
        },
    )
    assert session.described(body, NOW, [smoke]) == (
        "Name:      Tiltfile\n"
        "Tiltfile:  /shop/Tiltfile\n"
        "Ends:      when everything is healthy, or something failed\n"
        "Limits:    all within 30m0s, ready within 5m0s\n"
        "Started:   5m ago (2026-11-23T06:05:00.000000Z)\n"
        "Process:   4711\n"
        "Ready:     2 of 5\n"
        "Verdict:   pending\n"
        "\n"
        "Waiting for:\n"
        "  TARGET         SINCE   WHY\n"
        "  smoke:update   4m30s   waits for api (waiting-for-dep)\n"
        "  api:runtime    2m      is not ready\n"
        "  web:runtime    -       ContainerCreating\n"
        "\n"
        "Ready:\n"
        "  TARGET           SINCE\n"
        "  db:runtime       3m\n"
        "  migrate:update   3m30s\n"
        "\n"
        "Not asked to run:\n"
        "  docs:update\n"
    )


def test_a_failed_session_shows_its_cards() -> None:
    body = a_session(
        [
            target("api:runtime", "server", terminated={"error": "crash loop"}),
            target("web:update", "job", terminated={"error": "exit status 1"}),
        ],
        done=True,
        error="api: crash loop",
        verdict={"state": "failed", "reason": "api: crash loop", "exitCode": 1, "time": at(9, 50)},
        failures=[card()],
    )
    text = session.described(body, NOW)
    assert "Verdict:   failed, exit code 1, 10s ago: api: crash loop\n" in text
    assert text.endswith(
        "\n"
        "Failures:\n"
        "  api:runtime: container api exited with code 7 three times\n"
        "    Where:       Deployment/api → Pod/api-7d9-x2x → container api\n"
        "    Rule:        crash loop\n"
        "    Since:       30s\n"
        "    Exit code:   7\n"
        "    Image:       shop/api:tilt-1\n"
        "    Holds back:  smoke\n"
        "    Events:\n"
        "      BackOff: back-off restarting failed container\n"
        "    Log:\n"
        "      │ no database\n"
        "      │ giving up\n"
        "\n"
        "Failed:\n"
        "  web:update: exit status 1\n"
    )


def test_a_resource_shows_its_steps_its_pod_and_its_last_updates() -> None:
    body = a_resource(
        "api",
        {
            "updateStatus": "ok",
            "runtimeStatus": "pending",
            "lastDeployTime": at(8),
            "endpointLinks": [{"url": "http://localhost:8080/"}],
            "conditions": [{"type": "Ready", "status": "False", "reason": "RuntimePending"}],
            "steps": [
                {
                    "name": "build shop/api",
                    "state": "done",
                    "startTime": at(7),
                    "finishTime": "2026-11-23T06:07:02.500000Z",
                    "object": {"kind": "DockerImage", "name": "api:shop_api"},
                },
                {"name": "deploy", "state": "running", "startTime": at(9)},
            ],
            "k8sResourceInfo": {"podName": "api-7d9-x2x", "podStatus": "Running", "podCreationTime": at(8)},
            "buildHistory": [
                {"startTime": at(7), "finishTime": at(8)},
                {"startTime": at(5), "finishTime": at(5, 30), "error": "no such file\nmore"},
            ],
        },
        dependsOn=["db", "migrate"],
        podReadiness="wait",
    )
    assert resource.described(body, NOW) == (
        "Name:      api\n"
        "Kind:      local\n"
        "Labels:    <none>\n"
        "Needs:     db, migrate\n"
        "Starts:    by itself\n"
        "Pods:      must be ready\n"
        "Update:    ok\n"
        "Runtime:   pending\n"
        "Ready:     False (RuntimePending)\n"
        "Deployed:  2m ago (2026-11-23T06:08:00.000000Z)\n"
        "Links:     http://localhost:8080/\n"
        "\n"
        "Steps:\n"
        "  STEP             STATE     TOOK   OBJECT\n"
        "  build shop/api   done      2.5s   dockerimage/api:shop_api\n"
        "  deploy           running   60s    -\n"
        "\n"
        "Newest pod:\n"
        "  Name:        api-7d9-x2x\n"
        "  Status:      Running\n"
        "  Containers:  not all ready\n"
        "  Restarts:    0\n"
        "  Created:     2m ago (2026-11-23T06:08:00.000000Z)\n"
        "\n"
        "Updates, newest first:\n"
        "  WHEN        TOOK   RESULT\n"
        "  2m ago      60s    ok\n"
        "  4m30s ago   30s    no such file\n"
    )


def test_a_resource_that_is_held_back_says_by_whom() -> None:
    body = a_resource("api", {"waiting": {"reason": "waiting-for-dep", "on": [{"kind": "UIResource", "name": "db"}]}})
    assert "Waits:    waits for db (waiting-for-dep)\n" in resource.described(body, NOW)


def test_a_cluster_says_how_to_look_into_it() -> None:
    body = Cluster.model_validate(
        {
            "apiVersion": "tilt.dev/v1alpha1",
            "kind": "Cluster",
            "metadata": {"name": "default"},
            "spec": {"connection": {"kubernetes": {"embedded": True}}},
            "status": {
                "arch": "amd64",
                "connectedAt": at(9),
                "version": "v1.36.2",
                "connection": {
                    "kubernetes": {
                        "context": "upright-embedded",
                        "namespace": "default",
                        "configPath": "/run/kubeconfig",
                    }
                },
            },
        }
    ).to_wire()
    assert cluster.described(body, NOW) == (
        "Name:       default\n"
        "Wanted:     the embedded cluster\n"
        "Context:    upright-embedded\n"
        "Namespace:  default\n"
        "Version:    v1.36.2\n"
        "Machine:    amd64\n"
        "Connected:  60s ago (2026-11-23T06:09:00.000000Z)\n"
        "\n"
        "To look into it:\n"
        "  kubectl --kubeconfig /run/kubeconfig get pods\n"
    )


def test_other_kinds_are_laid_out_as_kubectl_does() -> None:
    body: Json = {
        "apiVersion": "tilt.dev/v1alpha1",
        "kind": "Cmd",
        "metadata": {
            "name": "my-sleep",
            "annotations": {"b": "2", "a": "1"},
            "creationTimestamp": "2026-11-23T06:00:00Z",
            "generation": 1,
            "uid": "u-1",
        },
        "spec": {"args": ["sleep", "1"], "startOn": {"uiButtons": ["x"]}, "env": []},
        "status": {"ready": False, "probes": [{"name": "a", "port": 1}, {"name": "b"}]},
    }
    assert fields.described(body, NOW) == (
        "Name:    my-sleep\n"
        "Labels:  <none>\n"
        "Annotations:\n"
        "  a: 1\n"
        "  b: 2\n"
        "API Version:  tilt.dev/v1alpha1\n"
        "Kind:         Cmd\n"
        "Metadata:\n"
        "  Creation Timestamp:  2026-11-23T06:00:00Z\n"
        "  Generation:          1\n"
        "  UID:                 u-1\n"
        "Spec:\n"
        "  Args:\n"
        "    sleep\n"
        "    1\n"
        "  Start On:\n"
        "    Ui Buttons:\n"
        "      x\n"
        "Status:\n"
        "  Probes:\n"
        "    Name:  a\n"
        "    Port:  1\n"
        "    Name:  b\n"
        "  Ready:   false\n"
    ).replace("Ui Buttons", "UI Buttons")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("restartCount", "Restart Count"),
        ("uid", "UID"),
        ("spanID", "Span ID"),
        ("lastExitCode", "Last Exit Code"),
        ("app.kubernetes.io/name", "app.kubernetes.io/name"),
        ("KEEP", "KEEP"),
    ],
)
def test_field_names_become_titles(name: str, shown: str) -> None:
    assert title(name) == shown


@pytest.mark.parametrize(
    ("reason", "on", "said"),
    [
        ("waiting-for-dep", [], "waits for what it depends on (waiting-for-dep)"),
        ("waiting-for-dep", ["a", "b"], "waits for a, b (waiting-for-dep)"),
        ("building-component", ["x"], "a part of it is being built: x (building-component)"),
        ("Init:0/1", [], "Init:0/1"),
    ],
)
def test_wait_reasons_are_said_in_words(reason: str, on: list[str], said: str) -> None:
    assert in_words(reason, on) == said
