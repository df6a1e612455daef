"""Who may update when."""

from __future__ import annotations

from upright.controllers.scheduler import EARLY, Scheduler, Wish, early


def wish(name: str, order: int = 0, **more: object) -> Wish:
    fields: dict[str, object] = {
        "kind": "local",
        "rank": (0, order),
        "depends_on": (),
        "alone": False,
        "images": frozenset[str](),
    }
    return Wish(name, **(fields | more))  # type: ignore[arg-type]  # the cases below name fields rightly


def scheduler(woken: list[str] | None = None) -> Scheduler:
    return Scheduler(wake=(woken if woken is not None else []).append)


def test_no_more_run_at_once_than_there_are_places() -> None:
    woken: list[str] = []
    s = scheduler(woken)
    assert [s.ask(wish(n, i)) for i, n in enumerate("abcde")] == [True, True, True, False, False]
    assert s.hold(wish("d")).reason == "unknown"
    s.release("b")
    assert woken == ["d"]
    assert s.ask(wish("d"))


def test_a_local_that_cannot_run_in_parallel_runs_alone() -> None:
    woken: list[str] = []
    s = scheduler(woken)
    assert s.ask(wish("a", alone=True))
    assert not s.ask(wish("b", 1))
    assert s.hold(wish("b")).reason == "waiting-for-local"
    assert not s.ask(wish("c", 2, alone=True))
    s.release("a")
    assert woken == ["b"]
    assert s.hold(wish("c", alone=True)).reason == "is-unparallelizable-local"
    s.release("b")
    assert woken == ["b", "c"]


def test_a_dependant_waits_until_all_it_depends_on_were_ready_once() -> None:
    woken: list[str] = []
    s = scheduler(woken)
    web = wish("web", 2, depends_on=("db", "cache"))
    assert not s.ask(web)
    held = s.hold(web)
    assert (held.reason, [ref.name for ref in held.on]) == ("waiting-for-dep", ["db", "cache"])
    s.now_ready("db")
    assert not s.ask(web)
    s.now_ready("cache")
    assert woken == ["web"]


def test_a_deployment_waits_for_the_cluster_and_for_those_it_shares_an_image_with() -> None:
    woken: list[str] = []
    s = scheduler(woken)
    one = wish("one", kind="kubernetes", images=frozenset({"base"}))
    two = wish("two", 1, kind="kubernetes", images=frozenset({"base", "x"}))
    assert not s.ask(one)
    assert s.hold(one).reason == "waiting-for-cluster"
    s.connected(ready=True)
    assert woken == ["one"]
    assert not s.ask(two)
    assert s.hold(two).reason == "building-component"
    s.release("one")
    assert woken == ["one", "two"]


def test_an_image_that_was_built_is_there_for_all() -> None:
    s = scheduler()
    s.connected(ready=True)
    shared = frozenset({"base"})
    assert s.ask(wish("one", kind="kubernetes", images=shared))
    s.release("one", well=True)
    assert s.ask(wish("two", 1, kind="kubernetes", images=shared))
    assert s.ask(wish("three", 2, kind="kubernetes", images=shared))


def test_the_uncategorized_objects_go_before_other_deployments() -> None:
    s = scheduler()
    s.connected(ready=True)
    assert s.ask(wish("uncategorized", kind="kubernetes"))
    web = wish("web", kind="kubernetes")
    assert not s.ask(web)
    assert s.hold(web).reason == "waiting-for-uncategorized"


def test_what_was_running_before_a_restart_keeps_its_place() -> None:
    s = scheduler()
    s.take(wish("a", alone=True))
    assert not s.ask(wish("b"))
    assert s.ask(wish("a", alone=True))


def test_images_are_built_while_their_resource_waits_and_take_a_place_of_their_own() -> None:
    woken: list[str] = []
    s = scheduler(woken)
    s.connected(ready=True)
    web = wish("web", 2, kind="kubernetes", depends_on=("db",), images=frozenset({"web"}))
    assert not s.ask(web)
    assert s.ask(early(web))
    other = wish("other", 3, kind="kubernetes", images=frozenset({"web"}))
    assert not s.ask(other)
    assert [ref.name for ref in s.hold(other).on] == ["web"]
    s.now_ready("db")
    assert woken == ["web"]
    s.release("web" + EARLY, well=True)
    assert woken == ["web", "other"]


def test_images_of_what_waits_are_not_begun_before_a_local_that_runs_alone() -> None:
    s = scheduler()
    assert s.ask(wish("running", kind="kubernetes")) is False
    s.connected(ready=True)
    assert s.ask(wish("running", kind="kubernetes"))
    assert not s.ask(wish("alone", 1, alone=True))
    web = wish("web", 2, kind="kubernetes", depends_on=("db",), images=frozenset({"web"}))
    assert not s.ask(early(web))
    s.release("running")
    assert s.ask(wish("alone", 1, alone=True))
    s.release("alone")
    assert s.ask(early(web))
