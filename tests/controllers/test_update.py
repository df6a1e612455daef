"""An update goes step by step: which may begin, which is done for this cause, and what failed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.controllers.stories import Mirror, deployment, image, local
from tests.controllers.verdict.cases import NOW, ago
from upright.controllers import fingerprint
from upright.controllers.fingerprint import CAUSE, RESOURCE, SPAN
from upright.controllers.update import Update, build_reason, cause_of, image_refs, update, with_apply_limit
from upright.openapi.meta import ObjectMeta, format_micro_time
from upright.openapi.v1alpha1.cmd import Cmd, CmdStatus, CmdTerminated
from upright.openapi.v1alpha1.docker_image import DockerImage, DockerImageStatus, ImageCompleted, ImagePushing
from upright.openapi.v1alpha1.image_map import ImageMap, ImageMapSpec, ImageMapStatus
from upright.openapi.v1alpha1.kubernetes_apply import KubernetesApply, KubernetesApplyStatus
from upright.openapi.v1alpha1.resource import TRIGGER, TRIGGER_REASON, BuildRecord, ResourceStatus

if TYPE_CHECKING:
    from upright.openapi.meta import Object
    from upright.openapi.v1alpha1.resource import Resource


def states(found: Update) -> dict[str, str]:
    return {step.name: step.state for step in found.steps}


def names(found: Update) -> list[tuple[str, str]]:
    return [(type(one).__name__, one.name) for one in found.objects]


def begun(resource: Resource, mirror: Mirror, cause: str = "c1") -> Object:
    """Put the first step of an update into the mirror and return it."""
    (first, *_) = update(resource, cause, mirror).objects
    mirror.put(first)
    return first


def over(cmd: Object, code: int, reason: str = "", ran: str = "") -> CmdStatus:
    ended = CmdTerminated(exit_code=code, reason=reason, started_at=ago(2), finished_at=NOW)
    return CmdStatus(terminated=ended, ran=ran or fingerprint.of_step(cmd))


# local


LINT = local("lint", update="make lint")


def test_a_local_update_is_one_command() -> None:
    found = update(LINT, "c1", Mirror())
    assert (found.state, states(found)) == ("running", {"lint:update": "running"})
    (cmd,) = found.objects
    assert cmd.name == "lint:update"
    assert {key: cmd.metadata.annotations[key] for key in (RESOURCE, SPAN, CAUSE)} == {
        RESOURCE: "lint",
        SPAN: "cmd:lint:update",
        CAUSE: "c1",
    }


@pytest.mark.parametrize(
    ("code", "reason", "state", "error"),
    [
        (0, "", "done", ""),
        (3, "exit status 3", "failed", 'Command "make lint" failed: exit status 3'),
        (1, "failed to start: no such file", "failed", 'Command "make lint" failed: failed to start: no such file'),
    ],
)
def test_its_end_is_the_updates(code: int, reason: str, state: str, error: str) -> None:
    mirror = Mirror()
    cmd = begun(LINT, mirror)
    mirror.put(cmd, over(cmd, code, reason))
    found = update(LINT, "c1", mirror)
    assert (found.state, found.error) == (state, error)
    (step,) = found.steps
    assert (step.state, step.start_time, step.finish_time) == (state, ago(2), NOW)


def test_the_end_of_an_earlier_run_is_not_this_ones() -> None:
    mirror = Mirror()
    cmd = begun(LINT, mirror)
    mirror.put(cmd, over(cmd, 0))
    assert update(LINT, "c2", mirror).state == "running"


def test_an_object_that_still_is_as_an_earlier_cause_left_it_is_not_done() -> None:
    mirror = Mirror()
    old = begun(LINT, mirror)
    new = update(LINT, "c2", mirror).objects[0]
    mirror.put(old, over(old, 0, ran=fingerprint.of_step(new)))
    assert update(LINT, "c2", mirror).state == "running"


def test_a_resource_without_an_update_is_done_at_once() -> None:
    assert update(local("web", serve=LINT.spec.local.update if LINT.spec.local else None), "c1", Mirror()) == Update(
        "done", (), ()
    )


# images


def built(
    mirror: Mirror, resource: Resource, name: str, error: str = "", *, ref: str = "", mapped: bool = True
) -> None:
    """Have the image's build end, and its ImageMap know of it; one that failed has ``ref`` if only its push did."""
    step = next(one for one in update(resource, "c1", mirror).objects if one.name == f"web:{name}")
    done = ImageCompleted(error=error, started_at=ago(2), finished_at=NOW)
    status = DockerImageStatus(ref=ref if error else f"{name}:tilt-1", completed=done, built=fingerprint.of_step(step))
    mirror.put(step, status)
    known = f"{name}:tilt-1" if mapped else ""
    made = ImageMap(metadata=ObjectMeta(name=name), spec=ImageMapSpec(selector=name))
    mirror.put(made, ImageMapStatus(image=known, image_from_local=known))


def test_images_are_built_before_the_apply_and_each_after_what_it_needs() -> None:
    shop = deployment("web", image("base"), image("front", "base"), image("back", "base"))
    mirror = Mirror()
    found = update(shop, "c1", mirror)
    assert states(found) == {
        "web:base": "running",
        "web:front": "waiting",
        "web:back": "waiting",
        "web:apply": "waiting",
    }
    assert names(found) == [("DockerImage", "web:base")]
    built(mirror, shop, "base")
    assert names(update(shop, "c1", mirror)) == [("DockerImage", f"web:{one}") for one in ("base", "front", "back")]
    built(mirror, shop, "front")
    built(mirror, shop, "back")
    found = update(shop, "c1", mirror)
    assert states(found)["web:apply"] == "running"
    assert names(found)[-1] == ("KubernetesApply", "web")


def test_an_image_is_done_when_its_map_knows_it() -> None:
    shop = deployment("web", image("shop"))
    mirror = Mirror()
    built(mirror, shop, "shop", mapped=False)
    assert states(update(shop, "c1", mirror)) == {"web:shop": "running", "web:apply": "waiting"}
    built(mirror, shop, "shop")
    assert states(update(shop, "c1", mirror)) == {"web:shop": "done", "web:apply": "running"}


def test_a_failed_build_ends_the_update() -> None:
    shop = deployment("web", image("shop"), image("side"))
    mirror = Mirror()
    built(mirror, shop, "shop", error="step 2/3 failed")
    found = update(shop, "c1", mirror)
    assert (found.state, found.error, found.rule) == ("failed", "building shop: step 2/3 failed", "build-failed")
    assert states(found) == {"web:shop": "failed"}


def test_an_image_that_cannot_be_brought_to_the_cluster_is_told_as_such() -> None:
    shop = deployment("web", image("shop"))
    mirror = Mirror()
    built(mirror, shop, "shop", error="denied", ref="shop:tilt-1")
    found = update(shop, "c1", mirror)
    assert (found.error, found.rule) == ("bringing shop to the cluster: denied", "push-failed")


def test_a_push_says_how_far_it_is() -> None:
    shop = deployment("web", image("shop"))
    mirror = Mirror()
    step = next(one for one in update(shop, "c1", mirror).objects if one.name == "web:shop")
    pushing = ImagePushing(started_at=NOW, progress="1 of 2 layers")
    mirror.put(step, DockerImageStatus(pushing=pushing, built=fingerprint.of_step(step)))
    found = update(shop, "c1", mirror)
    assert [one.progress for one in found.steps] == ["to its cluster: 1 of 2 layers", ""]


def test_an_image_that_nothing_builds_is_told() -> None:
    nothing = image("shop").model_copy(update={"docker_image": None})
    found = update(deployment("web", nothing), "c1", Mirror())
    assert (found.state, found.error) == ("failed", "building shop: the image has no way to be built")


# apply


def applied(mirror: Mirror, resource: Resource, error: str = "") -> KubernetesApply:
    apply = update(resource, "c1", mirror).objects[-1]
    assert isinstance(apply, KubernetesApply)
    ran = fingerprint.of_step(apply, *image_refs(apply, mirror))
    mirror.put(apply, KubernetesApplyStatus(error=error, last_apply_time=NOW, applied_input_hash=ran))
    return apply


@pytest.mark.parametrize(("error", "state", "rule"), [("", "done", ""), ("quota", "failed", "apply-refused")])
def test_the_update_ends_as_its_apply_does(error: str, state: str, rule: str) -> None:
    mirror = Mirror()
    applied(mirror, deployment(), error)
    found = update(deployment(), "c1", mirror)
    assert (found.state, found.error, found.rule) == (state, error, rule)


def test_an_apply_with_other_images_is_not_this_one() -> None:
    shop, mirror = deployment("web", image("shop")), Mirror()
    built(mirror, shop, "shop")
    applied(mirror, shop)
    assert update(shop, "c1", mirror).state == "done"
    newer = ImageMapStatus(image="shop:tilt-2", image_from_local="shop:tilt-2")
    mirror.put(ImageMap(metadata=ObjectMeta(name="shop"), spec=ImageMapSpec(selector="shop")), newer)
    assert update(shop, "c1", mirror).state == "running"


def test_the_cause_is_what_is_to_be_done_and_not_how_it_is_shown() -> None:
    assert cause_of(deployment()) == cause_of(deployment())
    assert cause_of(deployment()) != cause_of(deployment(yaml="kind: Job"))
    shown = deployment()
    assert shown.spec.kubernetes
    other = shown.spec.kubernetes.model_copy(update={"display_names": ("web:job",)})
    renamed = shown.model_copy(update={"spec": shown.spec.model_copy(update={"kubernetes": other})})
    assert cause_of(renamed) == cause_of(shown)
    assert cause_of(local("a", update="x")) != cause_of(local("a", update="y"))


def test_a_trigger_is_a_cause() -> None:
    plain = local("a", update="x")
    asked = plain.model_copy(update={"metadata": ObjectMeta(name="a", annotations={TRIGGER: "now"})})
    assert cause_of(asked) != cause_of(plain)


@pytest.mark.parametrize(
    ("notes", "updated", "reason"),
    [
        ({}, False, "Initial Build"),
        ({}, True, "Config Changed"),
        ({TRIGGER: format_micro_time(NOW), TRIGGER_REASON: "CLI Trigger"}, False, "CLI Trigger"),
        ({TRIGGER: format_micro_time(NOW), TRIGGER_REASON: "CLI Trigger"}, True, "CLI Trigger"),
        ({TRIGGER: format_micro_time(NOW)}, True, "Unknown Trigger"),
        ({TRIGGER: "mine"}, True, "Unknown Trigger"),
        ({TRIGGER: format_micro_time(ago(9)), TRIGGER_REASON: "CLI Trigger"}, True, "Config Changed"),
    ],
)
def test_why_an_update_begins_is_said_in_tilts_words(notes: dict[str, str], updated: bool, reason: str) -> None:
    history = (BuildRecord(start_time=ago(5)),) if updated else ()
    status = ResourceStatus(build_history=history)
    plain = local("a", update="x")
    asked = plain.model_copy(update={"metadata": ObjectMeta(name="a", annotations=notes), "status": status})
    assert build_reason(asked) == reason


@pytest.mark.parametrize(
    ("limit", "used"), [(None, timedelta(seconds=30)), (timedelta(seconds=5), timedelta(seconds=5))]
)
def test_a_limit_for_the_apply_outweighs_the_tiltfiles_update_settings(
    limit: timedelta | None, used: timedelta
) -> None:
    limited = with_apply_limit(with_apply_limit(deployment("web"), timedelta(seconds=30)), limit)
    (apply,) = update(limited, "c1", Mirror()).objects
    assert isinstance(apply, KubernetesApply)
    assert apply.spec.timeout == used
    plain = local("a", update="x")
    assert with_apply_limit(plain, limit) is plain


def test_kinds_of_steps_are_told() -> None:
    found = update(deployment("web", image("shop")), "c1", Mirror())
    assert [step.object.kind for step in found.steps if step.object] == ["DockerImage", "KubernetesApply"]
    assert all(isinstance(one, (DockerImage, KubernetesApply, Cmd)) for one in found.objects)
