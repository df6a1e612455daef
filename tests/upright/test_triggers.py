"""What somebody asks of a run while it goes on: another update of a resource."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.upright.test_restart import begin, whole
from upright.openapi.v1alpha1.resource import TRIGGER, Resource

if TYPE_CHECKING:
    from pathlib import Path

    from tests.controllers.rooms import Room


async def trigger(made: Room, name: str, value: str) -> None:
    resource = await made.client.get(Resource, name)
    await made.client.patch(resource, {"metadata": {"annotations": {TRIGGER: value}}})


async def test_a_triggered_resource_is_updated_again_though_its_spec_is_the_same(tmp_path: Path) -> None:
    (tmp_path / "Tiltfile").write_text("local_resource('one', cmd='echo one >> marks')\n")
    async with whole(tmp_path) as made:
        await begin(made, tmp_path)
        await made.until(Resource, "one", lambda one: len(one.status.build_history) == 1)
        await trigger(made, "one", "first")
        await made.until(Resource, "one", lambda one: len(one.status.build_history) == 2)
        await made.settled()
    assert (tmp_path / "marks").read_text().split() == ["one", "one"]


async def test_a_trigger_begins_what_does_not_begin_by_itself(tmp_path: Path) -> None:
    (tmp_path / "Tiltfile").write_text("local_resource('late', cmd='echo late >> marks', auto_init=False)\n")
    async with whole(tmp_path) as made:
        await begin(made, tmp_path)
        await made.until(Resource, "late", lambda late: late.status.update_status == "none")
        await trigger(made, "late", "now")
        await made.until(Resource, "late", lambda late: late.status.update_status == "ok")
    assert (tmp_path / "marks").read_text().split() == ["late"]
