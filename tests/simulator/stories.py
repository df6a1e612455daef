"""Life stories of whole runs, told by a seed: what each pod, job and command will go through, and what goes wrong on the wire."""

from __future__ import annotations

import random
from typing import Literal, TypeAlias

from msgspec import Struct

NEVER = float("inf")
Kind: TypeAlias = Literal["Deployment", "StatefulSet", "DaemonSet", "Job", "Pod", "Widget", "local", "serve"]
PASSING_PULLS = (
    "toomanyrequests: 429 Too Many Requests",
    "received unexpected HTTP status: 503 Service Unavailable",
    "net/http: TLS handshake timeout",
    "context deadline exceeded",
)
LASTING_PULLS = ("manifest unknown", "pull access denied, repository does not exist", "shop:1: not found")
MISSING = 'secret "token" not found'


class PodStory(Struct, frozen=True):
    """What a pod goes through: seconds each, NEVER for what does not come.

    ``crashes`` is how often its container ends after ``crash_after`` before it stays; ``pauses`` of the probe begin so
    long after it was ready first, and last so long. ``evicted`` is how long it has run then (never the moment at which it becomes ready); its successor has peace.
    """

    schedule: float = 0.05
    pull: float = 0.2
    pull_errors: tuple[str, ...] = ()
    pull_heals: bool = True
    missing: float = 0.0
    crashes: int = 0
    crash_after: float = 0.5
    exit_code: int = 1
    probed: bool = False
    ready_after: float = 1.0
    pauses: tuple[tuple[float, float], ...] = ()
    evicted: float = NEVER


PEACE = PodStory()


class ResourceStory(Struct, frozen=True):
    """A resource: ``seconds``, ``failures`` and ``retries`` are a Job's (or ``seconds`` and ``code`` a command's).

    A Widget is a custom resource: its pods are those of a StatefulSet that its controller makes; ``says``: it tells by a
    condition whether it is ready.
    """

    name: str
    kind: Kind
    depends_on: tuple[str, ...] = ()
    pods: tuple[PodStory, ...] = ()
    rollout: bool = False
    notice: float = 0.05
    seconds: float = 1.0
    failures: int = 0
    retries: int = 0
    code: int = 0
    doomed: bool = False
    says: bool = False


class Faults(Struct, frozen=True):
    """What goes wrong between the cluster and us; all moments in seconds from the start. ``skew``: its clock is so far ahead."""

    lag: float = 0.0
    repeats: float = 0.0
    cuts: tuple[float, ...] = ()
    gone: tuple[float, ...] = ()
    outages: tuple[tuple[float, float], ...] = ()
    apply_errors: tuple[int, ...] = ()
    restarts: tuple[float, ...] = ()
    skew: float = 0.0


class Story(Struct, frozen=True):
    """A whole run; the seed is for what is decided on the way."""

    seed: int
    resources: tuple[ResourceStory, ...]
    faults: Faults = Faults()

    @property
    def doomed(self) -> bool:
        """Whether something in it can never be well."""
        return any(one.doomed for one in self.resources)


def story(seed: int) -> Story:
    """Return the story that the seed tells."""
    chance = random.Random(seed)
    resources: list[ResourceStory] = []
    for number in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
        ahead = tuple(one.name for one in resources if chance.random() < 0.3)
        resources.append(_resource(chance, f"r{number}", ahead))
    return Story(seed, tuple(resources), _faults(chance))


def _resource(chance: random.Random, name: str, ahead: tuple[str, ...]) -> ResourceStory:
    kind: Kind = chance.choice(
        (
            "Deployment",
            "Deployment",
            "Deployment",
            "StatefulSet",
            "DaemonSet",
            "Job",
            "Job",
            "Pod",
            "Widget",
            "local",
            "serve",
        )
    )
    doomed = chance.random() < 0.18
    notice = chance.choice((0.0, 0.05, 0.3, 2.0))
    if kind == "Job":
        return _job(chance, name, ahead, notice, doomed=doomed)
    if kind in {"local", "serve"}:
        seconds = chance.choice((0.1, 1.0, 1.9, 4.0, 20.0)) if kind == "local" or doomed else NEVER
        code = chance.choice((1, 2, 127, 137)) if doomed else 0
        return ResourceStory(name, kind, ahead, seconds=seconds, code=code, doomed=doomed)
    number = 1 if kind == "Pod" else chance.choice((1, 1, 2, 3))
    pods = [_pod(chance, replaced=kind != "Pod") for _ in range(number)]
    if doomed:
        pods[chance.randrange(number)] = _doomed_pod(chance)
    rollout = kind == "Deployment" and chance.random() < 0.35
    says = kind == "Widget" and all(one.probed for one in pods)
    return ResourceStory(name, kind, ahead, tuple(pods), rollout, notice, doomed=doomed, says=says)


def _job(chance: random.Random, name: str, ahead: tuple[str, ...], notice: float, *, doomed: bool) -> ResourceStory:
    retries = chance.randrange(3)
    failures = retries + 1 if doomed else chance.randint(0, retries)
    seconds = chance.choice((0.2, 1.0, 3.0, 15.0))
    code = chance.choice((1, 3, 137))
    return ResourceStory(
        name, "Job", ahead, notice=notice, seconds=seconds, failures=failures, retries=retries, code=code, doomed=doomed
    )


def _pod(chance: random.Random, *, replaced: bool) -> PodStory:
    """Return a pod that comes to be well, by itself and within all budgets."""
    probed = chance.random() < 0.5
    crashes = chance.choice((0, 0, 0, 0, 1, 2))
    ready_after = chance.choice((0.0, 0.5, 2.0, 10.0, 40.0)) if probed else 0.0
    brief = ready_after * 0.5 if probed and ready_after else 0.8
    # one crash may come at any time, also of what was ready; a second one only to what never was
    crash_after = chance.choice((0.1, 1.0, 1.8, 2.5, 6.0)) if crashes == 1 else min(brief, 0.8)
    if crashes == 2 and probed and not ready_after:
        crashes = 1
    return PodStory(
        schedule=chance.choice((0.0, 0.05, 0.4, 4.0, 11.0)),
        pull=chance.choice((0.0, 0.2, 3.0, 30.0)),
        pull_errors=tuple(chance.choice(PASSING_PULLS) for _ in range(chance.choice((0, 0, 0, 1, 2)))),
        missing=chance.choice((0.0, 0.0, 0.0, 1.0, 4.0)),
        crashes=crashes,
        crash_after=crash_after,
        exit_code=chance.choice((0, 1, 7, 137)),
        probed=probed,
        ready_after=ready_after,
        pauses=_pauses(chance) if probed else (),
        evicted=chance.choice((0.57, 3.07, 9.07)) if replaced and chance.random() < 0.08 else NEVER,
    )


def _pauses(chance: random.Random) -> tuple[tuple[float, float], ...]:
    if chance.random() < 0.7:
        return ()
    return tuple((chance.choice((0.2, 1.0, 5.0)), chance.choice((0.3, 3.0, 20.0))) for _ in range(chance.randint(1, 2)))


def _doomed_pod(chance: random.Random) -> PodStory:
    """Return a pod that never stays well."""
    what = chance.randrange(6)
    probed = chance.random() < 0.5
    if what == 0:
        return PodStory(schedule=NEVER, probed=probed)
    if what == 1:
        return PodStory(pull_errors=(chance.choice(LASTING_PULLS),), pull_heals=False, probed=probed)
    if what == 2:
        return PodStory(missing=NEVER, probed=probed)
    if what == 3:
        return PodStory(probed=True, ready_after=NEVER)
    # a server that ends again and again, before it is stable or ready
    life = chance.choice((0.05, 0.5, 1.2, 1.9))
    return PodStory(
        crashes=1000, crash_after=life, exit_code=chance.choice((0, 1, 7, 137)), probed=probed, ready_after=life + 1.0
    )


def _faults(chance: random.Random) -> Faults:
    if chance.random() < 0.25:
        return Faults()
    moments = (0.05, 0.4, 1.0, 2.0, 3.1, 6.0, 13.0, 30.0)

    def some(most: int) -> tuple[float, ...]:
        return tuple(sorted(chance.sample(moments, chance.randint(0, most))))

    outages = [(at, chance.choice((0.5, 3.0, 12.0, 40.0, 100.0))) for at in some(1)]
    return Faults(
        lag=chance.choice((0.0, 0.02, 0.3, 1.5)),
        repeats=chance.choice((0.0, 0.0, 0.3)),
        cuts=some(3),
        gone=some(2) if chance.random() < 0.5 else (),
        outages=tuple(outages) if chance.random() < 0.3 else (),
        apply_errors=tuple(chance.choice((429, 500, 503, 504)) for _ in range(chance.choice((0, 0, 1, 3)))),
        restarts=some(2) if chance.random() < 0.3 else (),
        skew=chance.choice((0.0, 0.0, 0.0, 0.0, -7.0, 7.0, -90.0, 90.0, -3600.0, 3600.0)),
    )
