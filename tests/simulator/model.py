"""What is true of a run, in plain words over what was lived: who is well at a moment, and from when on red is just.

Nothing here knows the product's rules; it says what ``verdicts.md`` promises, and what happened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulator.stories import LASTING_PULLS, NEVER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.simulator.cluster import Workload
    from tests.simulator.commands import Commands
    from tests.simulator.fake_pod import FakePod
    from tests.simulator.lives import Fact
    from tests.simulator.stories import Faults, ResourceStory

STABLE_SECONDS = 2.0
OUTLIVE_SECONDS = 60.0
MISSING_SECONDS = 5.0
UNSCHEDULABLE_SECONDS = 15.0
READINESS_SECONDS = 300.0
APPLY_SECONDS = 30.0
EPSILON = 0.011
"""What a look may come late, or a moment be rounded."""


def pod_is_well(lived: Sequence[Fact], moment: float, *, probed: bool, known_until: float = NEVER) -> bool:
    """Whether the container runs, and its probe passes; without a probe, whether it has run for long enough.

    One that crashed when it could have passed for well has to outlive that run, in whole seconds as they are told.
    What came from ``known_until`` on is left aside.
    """
    since, ready, lived_before = None, False, 0.0
    for fact in lived:
        if fact.at > moment or fact.at >= known_until:
            break
        if fact.what == "running":
            since, ready = fact.at, False
        elif fact.what in {"ready", "unready"}:
            ready = fact.what == "ready"
        elif fact.what in {"crashed", "evicted", "gone", "failed", "succeeded"}:
            lived_before = fact.at - since if fact.what == "crashed" and since is not None else 0.0
            since = None
    if since is None or (probed and not ready):
        return False
    still = 0.0 if probed else STABLE_SECONDS
    if lived_before >= STABLE_SECONDS + 1.0:
        still = min(lived_before - 1.0, OUTLIVE_SECONDS) + STABLE_SECONDS
    return moment - since >= still - EPSILON


def workload_is_well(workload: Workload, moment: float, known_until: float = NEVER) -> bool:
    """Whether as many pods of the applied revision as are wanted are well, and no other is left."""
    if workload.story.kind == "Job":
        return any(f.what == "succeeded" and f.at <= moment for pod in workload.pods for f in pod.lived)
    for pod in workload.pods:
        if pod.old and not pod.deleting:
            return False
    well = [
        pod
        for pod in workload.pods
        if not pod.old and pod_is_well(pod.lived, moment, probed=pod.story.probed, known_until=known_until)
    ]
    return workload.applied_at is not None and len(well) >= len(workload.story.pods)


def command_is_well(story: ResourceStory, commands: Commands, moment: float) -> bool:
    """Whether a command has ended well, or a server has run for long enough and still runs."""
    lives = commands.lives.get(story.name, [])
    if story.kind == "local":
        return any(life.ended is not None and life.ended <= moment and life.code == 0 for life in lives)
    return any(
        life.began <= moment - STABLE_SECONDS + EPSILON and (life.ended is None or life.ended >= moment)
        for life in lives
    )


def was_well(story: ResourceStory, workload: Workload | None, commands: Commands, window: tuple[float, float]) -> bool:
    """Whether the resource was well at some moment of the window, or is by all that was told up to its beginning.

    What came after the beginning was still on its way: nobody could have known of it.
    """
    if workload is None:
        return any(command_is_well(story, commands, moment) for moment in window)
    changes = {fact.at for pod in workload.pods for fact in pod.lived if window[0] <= fact.at <= window[1]}
    moments = [*window, *(at - 1e-6 for at in changes), *changes]
    told = workload_is_well(workload, window[1], known_until=window[0])
    return told or any(workload_is_well(workload, moment) for moment in moments)


def red_is_just(story: ResourceStory, workload: Workload | None, commands: Commands, faults: Faults) -> float:
    """Return from when on the resource may be called failed; NEVER if it recovers within all budgets."""
    if workload is not None and workload.applied_at is None:
        return min((at for at, lasts in faults.outages if lasts >= APPLY_SECONDS - 1.0), default=NEVER)
    if workload is None:
        ends = [life.ended for life in commands.lives.get(story.name, []) if life.ended is not None and not life.lost]
        return min(ends, default=NEVER) if story.kind == "serve" or story.code else NEVER
    if story.kind == "Job":
        failures = sorted(f.at for pod in workload.pods for f in pod.lived if f.what == "failed")
        return failures[story.retries] if len(failures) > story.retries else NEVER
    late = workload.applied_at + READINESS_SECONDS if workload.applied_at is not None else NEVER
    return min([late, *(_pod_red(pod, faults.lag) for pod in workload.pods if not pod.old)])


def _pod_red(pod: FakePod, lag: float) -> float:
    return min([*_crash_red(pod, lag), *_waiting_red(pod.lived, lag)], default=NEVER)


def _crash_red(pod: FakePod, lag: float) -> Iterable[float]:
    """Yield when the crash came that is one too many: the third of what never was ready, the second of what was.

    One that was told late may have been taken for ready by then.
    """
    crashes = 0
    was_ready = False
    for fact in pod.lived:
        if fact.what == "crashed":
            was_ready = was_ready or pod_is_well(pod.lived, fact.at + lag, probed=pod.story.probed, known_until=fact.at)
            crashes += 1
            if crashes >= (2 if was_ready else 3):
                yield fact.at


def _waiting_red(lived: Sequence[Fact], lag: float) -> Iterable[float]:
    """Yield when waiting had lasted too long for what was waited for, or when a registry said a last word."""
    for at, fact in enumerate(lived):
        until = lived[at + 1].at if at + 1 < len(lived) else NEVER
        limit = {"missing": MISSING_SECONDS, "unschedulable": UNSCHEDULABLE_SECONDS}.get(fact.what)
        # a date of the cluster is cut to whole seconds: what it says began may have begun up to a second later,
        # and that it is over may be told late
        if limit is not None and until - fact.at > limit - 1.0 - lag:
            yield fact.at + limit - 1.0
        if fact.what == "pull-error" and any(word in fact.text for word in LASTING_PULLS):
            yield fact.at
