from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio
import looptime
import pytest

from upright.controllers.world.probing import Answer, Sight, Timing, ask_forever, begin, observe

if TYPE_CHECKING:
    from collections.abc import Callable

WELL = Answer(well=True)
ILL = Answer(well=False)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Callable[[], Any]]]:
    return "asyncio", {"loop_factory": lambda: looptime.new_event_loop(start=0)}


def after(timing: Timing, answers: str) -> Sight:
    sight = begin(timing, 0)
    for letter in answers:
        sight = observe(timing, sight, WELL if letter == "+" else ILL, sight.due, sight.due)
    return sight


@pytest.mark.parametrize(
    ("timing", "answers", "passing", "due"),
    [
        (Timing(), "", None, 0),
        (Timing(initial_delay=7), "", None, 7),
        (Timing(), "+", True, 10),
        (Timing(period=2), "-", None, 2),
        (Timing(), "--", None, 20),
        (Timing(), "---", False, 30),
        (Timing(failure=1), "-", False, 10),
        (Timing(success=3), "++", None, 20),
        (Timing(success=3), "+++", True, 30),
        (Timing(success=3), "++-++", None, 50),
        (Timing(), "+--", True, 30),
        (Timing(), "+--+--", True, 60),
        (Timing(), "+---", False, 40),
        (Timing(), "+---+", True, 50),
        (Timing(success=2), "++---+", False, 60),
    ],
)
def test_thresholds_count_answers_in_a_row(timing: Timing, answers: str, passing: bool | None, due: float) -> None:
    sight = after(timing, answers)
    assert (sight.passing, sight.due) == (passing, due)


def test_numbers_that_are_0_are_kubernetes_defaults() -> None:
    assert Timing.of(0, 0, 0, 0, 0) == Timing(0, 10, 1, 1, 3)


@dataclass
class Server:
    well_from: float = 1e9
    ill_from: float = 1e9
    takes: float = 0
    asked: list[float] = field(default_factory=list[float])
    changes: list[tuple[float, bool | None]] = field(default_factory=list[tuple[float, bool | None]])

    async def ask(self) -> Answer:
        now = anyio.current_time()
        self.asked.append(now)
        await anyio.sleep(self.takes)
        return Answer(self.well_from <= now < self.ill_from)

    def told(self, before: Sight, sight: Sight, _: Answer) -> None:
        if before.passing != sight.passing:
            self.changes.append((round(anyio.current_time(), 2), sight.passing))


async def asked_for(seconds: float, timing: Timing, server: Server) -> Server:
    with anyio.move_on_after(seconds):
        await ask_forever(timing, server.ask, server.told)
    return server


async def test_answers_come_once_a_period() -> None:
    server = await asked_for(35, Timing(initial_delay=3), Server(well_from=0, ill_from=20))
    assert server.asked == [3, 13, 23, 33]
    assert server.changes == [(3, True)]


async def test_an_eager_probe_sees_ready_soon_after_it_is() -> None:
    server = await asked_for(60, Timing(eager=True), Server(well_from=4))
    [(when, passing)] = server.changes
    assert passing
    assert when == pytest.approx(4.5, abs=0.5)
    assert server.asked[:2] == [0, 0.1]
    regular = [b - a for a, b in zip(server.asked, server.asked[1:], strict=False) if a > 4.99]
    assert regular
    assert all(pause == pytest.approx(10) for pause in regular)


async def test_eager_failures_do_not_use_up_the_threshold() -> None:
    server = await asked_for(60, Timing(eager=True, initial_delay=1), Server())
    assert server.changes == [(21, False)]
    pauses = [b - a for a, b in zip(server.asked, server.asked[1:], strict=False)]
    assert max(pauses) == pytest.approx(10)
    assert 18 < len(server.asked) < 30


async def test_an_answer_that_takes_too_long_is_a_failure() -> None:
    server = await asked_for(25, Timing(period=5, timeout=2), Server(well_from=0, takes=3))
    assert server.asked == [0, 5, 10, 15, 20]
    assert server.changes == [(12, False)]


async def test_askings_do_not_overlap() -> None:
    server = await asked_for(10, Timing(period=1, timeout=5), Server(well_from=0, takes=3))
    assert server.asked == [0, 3, 6, 9]
