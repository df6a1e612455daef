"""Plays many stories, prints those whose ending breaks a promise, and how fast it went.

``python -m tests.simulator --seeds 10000 --from 0``, over all cores (``--processes``); one seed alone is told in full: ``--seeds 1 --from 771``.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.simulator.playing import play, play_seed
from tests.simulator.shrinking import shrunk
from tests.simulator.stories import story

SEEDS_AT_ONCE = 8


def main() -> int:
    """Return 1 if a promise was broken."""
    asked = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    asked.add_argument("--seeds", type=int, default=1000, help="how many stories to play")
    asked.add_argument("--from", type=int, default=0, dest="first", help="the first seed")
    asked.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many play at once")
    told = asked.parse_args()
    if told.seeds == 1:
        sys.stdout.write(f"{story(told.first)}\n{play(story(told.first))}\n")
    begun, states, broken = time.monotonic(), Counter[str](), 0
    # not forked: each process is to come to the same as one that was started by itself
    with ProcessPoolExecutor(told.processes, mp_context=get_context("spawn")) as processes:
        seeds = range(told.first, told.first + told.seeds)
        for seed, ending in zip(seeds, processes.map(play_seed, seeds, chunksize=SEEDS_AT_ONCE), strict=True):
            states[ending.state] += 1
            if ending.problems:
                broken += 1
                sys.stdout.write(f"seed {seed}: {'; '.join(ending.problems)} (at {ending.at:.3f} s)\n")
                sys.stdout.write(f"  smallest: {shrunk(story(seed))}\n")
                sys.stdout.write(f"  again: python -m tests.simulator --seeds 1 --from {seed}\n")
    rate = told.seeds / (time.monotonic() - begun) * 60
    counts = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
    sys.stdout.write(
        f"{told.seeds} runs ({counts}), {rate:.0f} a minute in {told.processes} processes, {broken} broke a promise\n"
    )
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
