"""Plays many stories, prints those whose ending breaks a promise, and how fast it went.

``python -m tests.simulator --seeds 10000 --from 0``; one seed alone is told in full: ``--seeds 1 --from 771``.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.simulator.playing import play
from tests.simulator.shrinking import shrunk
from tests.simulator.stories import story


def main() -> int:
    """Return 1 if a promise was broken."""
    asked = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    asked.add_argument("--seeds", type=int, default=1000, help="how many stories to play")
    asked.add_argument("--from", type=int, default=0, dest="first", help="the first seed")
    told = asked.parse_args()
    begun, states, broken = time.process_time(), Counter[str](), 0
    for seed in range(told.first, told.first + told.seeds):
        ending = play(story(seed))
        states[ending.state] += 1
        if told.seeds == 1:
            sys.stdout.write(f"{story(seed)}\n{ending}\n")
        if ending.problems:
            broken += 1
            sys.stdout.write(f"seed {seed}: {'; '.join(ending.problems)} (at {ending.at:.3f} s)\n")
            sys.stdout.write(f"  smallest: {shrunk(story(seed))}\n")
            sys.stdout.write(f"  again: python -m tests.simulator --seeds 1 --from {seed}\n")
    rate = told.seeds / (time.process_time() - begun) * 60
    counts = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
    sys.stdout.write(f"{told.seeds} runs ({counts}), {rate:.0f} a minute of one core, {broken} broke a promise\n")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
