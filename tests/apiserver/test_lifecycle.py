"""The identities that objects are born with."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

from upright.apiserver.lifecycle import born
from upright.apiserver.options import Target
from upright.openapi.v1alpha1.config_map import ConfigMap

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def uids(count: int) -> list[str]:
    return [born(ConfigMap, {}, Target(ConfigMap, name="made"), NOW)["metadata"]["uid"] for _ in range(count)]


def test_a_uid_is_a_random_uuid_and_no_two_are_alike() -> None:
    drawn = uids(1000)
    assert len(set(drawn)) == len(drawn)
    assert {UUID(uid).version for uid in drawn} == {4}


def test_threads_draw_uids_of_their_own() -> None:
    with ThreadPoolExecutor(8) as pool:
        drawn = [uid for some in pool.map(uids, [500] * 16) for uid in some]
    assert len(set(drawn)) == len(drawn)


def test_a_process_that_was_forked_draws_uids_of_its_own() -> None:
    uids(1)  # some are in stock
    with multiprocessing.get_context("fork").Pool(1) as pool:
        theirs = pool.apply(uids, (300,))
    assert set(theirs).isdisjoint(uids(300))
