"""What a resource could still be waiting for."""

from __future__ import annotations

from datetime import UTC, datetime

from upright.controllers.unfinished import Unfinished
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.cmd import CmdSpec
from upright.openapi.v1alpha1.failure import Failure
from upright.openapi.v1alpha1.resource import LocalSpec, Resource, ResourceSpec, ResourceStatus


def resource(name: str, *depends_on: str, auto_init: bool = True, **status: object) -> Resource:
    local = LocalSpec(update=CmdSpec(args=("true",)))
    return Resource(
        metadata=ObjectMeta(name=name),
        spec=ResourceSpec(kind="local", local=local, depends_on=depends_on, auto_init=auto_init),
        status=ResourceStatus.model_validate(status),
    )


def failed(name: str, *depends_on: str) -> Resource:
    return resource(name, *depends_on, failures=(Failure(resource=name, target="x", rule="x", message="x"),))


def noted(*resources: Resource) -> Unfinished:
    found = Unfinished()
    for one in resources:
        found.note(one)
    return found


def test_another_one_that_is_being_brought_up_could_help() -> None:
    both = noted(resource("web"), resource("db"))
    assert both.could_help("web")
    assert both.could_help("db")


def test_nothing_helps_itself() -> None:
    assert not noted(resource("web")).could_help("web")


def test_what_was_ready_once_is_no_more_help() -> None:
    found = noted(resource("web"), resource("db"))
    assert found.note(resource("db", ever_ready=True))
    assert not found.could_help("web")
    assert not found.note(resource("db", ever_ready=True))


def test_its_dependants_wait_for_it_and_do_not_help() -> None:
    chain = noted(resource("db"), resource("web", "db"), resource("smoke", "web"))
    assert not chain.could_help("db")
    assert chain.could_help("web")


def test_a_failed_one_and_those_that_wait_for_it_do_not_help() -> None:
    assert not noted(resource("web"), failed("db"), resource("smoke", "db"), resource("more", "smoke")).could_help(
        "web"
    )


def test_what_is_only_begun_when_asked_for_does_not_help() -> None:
    assert not noted(resource("web"), resource("tool", auto_init=False)).could_help("web")


def test_what_is_switched_off_or_gone_does_not_help() -> None:
    found = noted(resource("web"), resource("db"), resource("cache"))
    assert found.forget("cache")
    going = resource("db")
    meta = going.metadata.model_copy(update={"deletion_timestamp": datetime(2026, 1, 2, tzinfo=UTC)})
    assert found.note(going.model_copy(update={"metadata": meta}))
    assert not found.could_help("web")


def test_dependencies_may_change() -> None:
    found = noted(resource("db"), resource("web", "db"))
    assert not found.could_help("db")
    found.note(resource("web"))
    assert found.could_help("db")


def test_a_circle_of_dependencies_is_no_trouble() -> None:
    assert not noted(resource("a", "b"), resource("b", "a")).could_help("a")
