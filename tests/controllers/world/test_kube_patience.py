"""What is done when a cluster does not take an object, answer by answer, in the words of a real one."""

from __future__ import annotations

import pytest

from upright.controllers.world.kube_patience import next_step, pause_seconds, retry_after, with_what_is_missing
from upright.openapi.errors import (
    APIError,
    BadRequest,
    Conflict,
    Forbidden,
    InternalError,
    Invalid,
    NotFound,
    ServiceUnavailable,
    Timeout,
    TooManyRequests,
)

WEBHOOK = (
    'Internal error occurred: failed calling webhook "webhook.cert-manager.io": failed to call webhook: Post '
    '"https://cert-manager-webhook.cert-manager.svc:443/validate?timeout=30s": dial tcp 10.96.1.2:443: connect: connection refused'
)
DENIED = 'admission webhook "policy.example" denied the request: no latest tags'
TERMINATING = (
    'configmaps "a" is forbidden: unable to create new content in namespace shop because it is being terminated'
)
ACCOUNT = 'pods "a" is forbidden: error looking up service account shop/default: serviceaccount "default" not found'
QUOTA = 'pods "a" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1'
NEW_QUOTA = 'pods "a" is forbidden: status unknown for quota: q, resources: pods'
RBAC = 'deployments.apps "web" is forbidden: User "ci" cannot patch resource "deployments" in API group "apps" in the namespace "shop"'


@pytest.mark.parametrize(
    ("error", "step"),
    [
        (Conflict("the object has been modified"), "again"),
        (InternalError(WEBHOOK), "again"),
        (TooManyRequests("too many requests"), "again"),
        (ServiceUnavailable("apiserver not ready"), "again"),
        (Timeout("request did not complete within the allotted timeout"), "again"),
        (Forbidden(TERMINATING), "again"),
        (Forbidden(ACCOUNT), "again"),
        (Forbidden(NEW_QUOTA), "again"),
        (NotFound("the server could not find the requested resource"), "again"),
        (NotFound('namespaces "shop" not found'), "say"),
        (Forbidden(QUOTA), "say"),
        (Forbidden(RBAC), "say"),
        (BadRequest(DENIED), "say"),
        (Invalid("spec.replicas: Invalid value: -1: must be greater than or equal to 0"), "say"),
        (Invalid('Job.batch "run" is invalid: spec.template: Invalid value: {}: field is immutable'), "anew"),
        (Invalid('Service "a" is invalid: spec.clusterIPs[0]: Invalid value: ["x"]: may not change once set'), "anew"),
        (Invalid('Pod "a" is invalid: spec: Forbidden: pod updates may not change fields other than `image`'), "anew"),
        (
            Invalid("spec: Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden"),
            "anew",
        ),
        (Invalid("roleRef: Invalid value: {}: cannot change roleRef"), "anew"),
        (Forbidden("value: Forbidden: may not be changed in an update."), "anew"),
    ],
)
def test_what_may_pass_is_tried_again_and_what_cannot_change_is_made_anew(error: APIError, step: str) -> None:
    assert next_step(error) == step


def test_pauses_grow_to_a_limit_and_the_servers_wish_outweighs_them() -> None:
    error = ServiceUnavailable("later")
    assert [pause_seconds(error, attempt) for attempt in range(6)] == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0]
    assert pause_seconds(TooManyRequests("later", details={"retryAfterSeconds": 7}), 0) == 7.0


def test_when_to_come_again_is_read_from_the_header() -> None:
    assert retry_after({"Retry-After": "3"}) == 3
    assert retry_after({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}) == 0
    assert retry_after({}) == 0


def test_a_missing_permission_is_told_with_how_to_see_that_it_is_there() -> None:
    told = with_what_is_missing(Forbidden(RBAC), "prod").message
    assert told.startswith(RBAC)
    assert "Grant it the verb patch on deployments.apps" in told
    assert "`kubectl --context=prod auth can-i patch deployments.apps -n shop`" in told
    assert with_what_is_missing(Forbidden(QUOTA), "prod").message == QUOTA
