"""What is promised, and which tests hold it: a promise without a test is noticed, and so is a test that went away."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
_OWN = "contracts/test_promises.py"

PROMISES: dict[str, tuple[str, ...]] = {
    # resourceVersion
    "all versions of all objects are in one order, and a write tells the one at which it can be seen": (
        f"{_OWN}::test_resource_versions_are_in_one_order_and_a_write_returns_the_one_at_which_it_is_visible",
    ),
    "writing what is there already makes no new version": (
        f"{_OWN}::test_equal_content_makes_no_new_resource_version",
        "apiserver/storage/test_store.py::test_one_and_true_are_not_equal_content",
    ),
    "who writes over a version that is no longer the newest is told, never obeyed": (
        f"{_OWN}::test_a_stale_update_or_patch_is_409_and_a_create_over_existing_too",
    ),
    "a delete is of the very object and version that it names": (
        f"{_OWN}::test_a_delete_honours_preconditions_of_uid_and_resource_version",
    ),
    "what the server owns of the metadata stays its own, names can be generated": (
        f"{_OWN}::test_names_are_generated_and_metadata_of_the_server_cannot_be_forged",
        "apiserver/test_writes.py::test_immutable_fields_stay",
    ),
    # Lists
    "a list is one moment, and so are all its pages": (f"{_OWN}::test_a_list_pages_over_one_consistent_snapshot",),
    "a page of a forgotten moment is 410 with a way to go on": (
        f"{_OWN}::test_an_expired_token_is_410_and_a_fresh_one_is_offered",
    ),
    "a list can be of a version, or not older than one": (
        f"{_OWN}::test_a_list_can_be_exactly_of_a_revision_or_not_older_than_it",
    ),
    "a version that is yet to come is never taken for one that was": (
        f"{_OWN}::test_a_revision_from_the_future_is_504_and_never_accepted_silently",
    ),
    "every operator of the selectors selects": ("openapi/test_selectors.py",),
    # Watches
    "a watch tells all that comes after its version, once, in order": (
        f"{_OWN}::test_a_watch_tells_every_later_event_once_and_in_order",
        "apiserver/storage/test_histories.py::test_clients_of_a_server_that_is_killed_again_and_again_see_one_order_without_holes",
    ),
    "a group of writes is told whole, or not at all": (
        "apiserver/storage/test_store.py::test_a_failed_commit_fails_its_writers_and_leaves_what_was",
        "apiserver/storage/test_crashes.py::test_an_answered_write_survives_a_kill_9_in_every_step",
    ),
    "a watch goes on where another ended, also over a restart of the server": (
        f"{_OWN}::test_a_watch_goes_on_where_it_was_after_the_server_came_again",
        "apiserver/test_python_clients_over_time.py::test_a_watch_goes_on_after_a_restart_and_misses_nothing",
    ),
    "a watch from the forgotten past is 410": (f"{_OWN}::test_a_watch_from_too_long_ago_is_410",),
    "what enters or leaves a selection is added or deleted": (
        f"{_OWN}::test_an_object_that_enters_or_leaves_a_selector_is_added_or_deleted_with_a_new_revision",
    ),
    "a deletion has a version of its own": (f"{_OWN}::test_a_deleted_event_has_a_revision_of_its_own",),
    "a watch that waits tells how far it is": (f"{_OWN}::test_a_watch_that_waits_is_told_by_bookmarks_how_far_it_is",),
    "a watch that ends tells how far it was": (f"{_OWN}::test_a_watch_that_ends_says_by_a_bookmark_how_far_it_was",),
    "a watch can begin with what is there, and marks the end of that": (
        f"{_OWN}::test_a_watch_can_begin_with_what_is_there_and_marks_where_that_ends",
    ),
    "a reader that does not read is cut off, and nobody waits for it": (
        f"{_OWN}::test_a_slow_reader_is_cut_and_others_are_not_affected",
        "apiserver/app/test_watches.py::test_a_reader_that_stalls_is_cut_off_and_one_that_reads_is_not",
    ),
    "a watch ends after the time that was asked for": (
        "apiserver/app/test_watches.py::test_a_watch_ends_after_its_time",
    ),
    "a browser is told by Server-Sent Events": (
        "apiserver/app/test_watches.py::test_a_browser_gets_server_sent_events_with_ids",
    ),
    "the past is forgotten by age and by size, in small steps": ("apiserver/storage/test_forgetting.py",),
    # Writes
    "a conflict is tried again so often, and then told": (
        "apiserver/storage/test_two_servers.py::test_counting_on_both_at_once_loses_nothing",
        "controllers/world/test_kubeconfig_cluster.py::test_a_conflict_is_tried_again_until_the_deadline_is_near",
    ),
    "status and spec are written apart": (f"{_OWN}::test_a_status_is_written_apart_from_what_is_wanted",),
    "finalizers hold a delete until the last is taken off": (f"{_OWN}::test_finalizers_hold_a_delete_in_two_phases",),
    "what becomes of the dependents is up to who deletes": (
        "apiserver/test_deletes.py::test_what_becomes_of_dependents_is_noted_for_the_garbage_collector",
    ),
    "deleting many is deleting each, with its event": (
        f"{_OWN}::test_deletecollection_is_so_many_deletes_with_their_events",
    ),
    "a dry run answers and stores nothing": (f"{_OWN}::test_a_dry_run_answers_as_the_write_would_and_stores_nothing",),
    "every kind of patch does what its own rules say": ("openapi/test_patches.py",),
    "who applies owns the fields, and another has to force": (
        f"{_OWN}::test_an_apply_owns_its_fields_and_another_must_force",
        "apiserver/test_apply.py",
    ),
    "fields that nobody knows are refused, warned of or ignored, as is asked": (
        "apiserver/app/test_objects.py::test_an_unknown_field_is_answered_with_a_warning_or_refused_when_strict",
        "apiserver/app/test_duplicates.py::test_a_field_that_stands_twice_is_refused_strictly_warned_of_or_ignored",
    ),
    # What is told of the API
    "discovery is plain and aggregated": (
        "apiserver/app/test_documents.py::test_discovery_is_served_plainly",
        "apiserver/app/test_documents.py::test_discovery_is_served_in_one_document_to_those_who_ask",
    ),
    "OpenAPI is valid in both versions, and committed as it is served": (
        "openapi/documents/test_validity.py::test_a_document_is_valid_openapi",
        "openapi/documents/test_openapi.py::test_the_committed_documents_are_what_the_kinds_say",
    ),
    "tables and metadata alone can be had": ("openapi/documents/test_tables.py",),
    "every kind has columns that help": ("openapi/test_columns.py",),
    "protobuf is read, refused with a hint, or answered in JSON": (
        "apiserver/app/test_objects.py::test_only_protobuf_is_not_acceptable_but_protobuf_or_json_is_json",
        "apiserver/app/test_objects.py::test_protobuf_is_refused_with_a_hint",
        "openapi/test_protobuf.py",
    ),
    "requests and storage are measured": ("apiserver/app/test_metrics.py",),
    "logs, exec, attach and port-forward are talks": ("apiserver/test_below.py", "apiserver/kubectl/test_streams.py"),
    # Beyond one request
    "bad input gets a reason and harms nobody": ("apiserver/test_bad_input.py", "apiserver/app/test_fuzz.py"),
    "the store does what a dictionary does": ("apiserver/storage/test_model.py",),
    "an answered write outlives kill -9, and power": (
        "apiserver/test_main.py::test_what_was_written_is_there_after_kill_9",
        "apiserver/storage/test_power_loss.py::test_an_answered_write_survives_a_loss_of_power",
    ),
    "the answers are Kubernetes' own, but for differences that are listed": ("contracts/test_kubernetes_answers.py",),
    # The end of a run
    "a signal ends a run in order: nothing new, last words written, children gone, a second one ends it now": (
        "e2e/test_interrupted.py::test_a_signal_ends_a_run_in_order",
        "e2e/test_interrupted.py::test_a_second_signal_ends_at_once_what_takes_its_time",
        "e2e/test_reports.py::test_an_interrupted_run_has_its_reports",
    ),
    "what a killed run left is cleared by the next": (
        "e2e/test_interrupted.py::test_what_is_killed_leaves_nothing",
        "e2e/test_interrupted.py::test_the_next_run_after_a_killed_one_clears_its_folder",
    ),
    "what was done stays done, and the same events come to the same verdict": (
        "simulator/test_simulator.py::test_no_promise_is_broken_in_some_runs",
        "simulator/test_simulator.py::test_the_same_seed_comes_to_the_same_verdict",
        "e2e/test_recorded.py::test_a_run_is_played_again_to_the_same_report_byte_for_byte",
    ),
}


@cache
def _tests_of(file: str) -> frozenset[str]:
    """Return the names of a file's tests that are not skipped whatever comes."""
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return frozenset(
        node.name
        for node in found
        if node.name.startswith("test_")
        and not any(mark in ast.unparse(line) for line in node.decorator_list for mark in (".skip(", ".xfail"))
    )


@pytest.mark.parametrize("promise", PROMISES)
def test_a_promise_has_its_tests(promise: str) -> None:
    assert PROMISES[promise]
    for place in PROMISES[promise]:
        file, _, name = place.partition("::")
        known = _tests_of(file)
        assert name in known if name else known, f"{place} is not there"


def test_each_of_the_promises_tests_is_for_a_promise() -> None:
    named = {place.partition("::")[2] for places in PROMISES.values() for place in places if place.startswith(_OWN)}
    assert _tests_of(_OWN) == named
