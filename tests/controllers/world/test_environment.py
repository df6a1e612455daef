from __future__ import annotations

from upright.controllers.world.environment import base_environment, with_pairs

HELPERS = {"LINES": "24", "COLUMNS": "80", "PYTHONUNBUFFERED": "1", "TILT_DISABLE_ANALYTICS": "1"}


def test_helpers_are_added_only_where_they_are_missing() -> None:
    assert base_environment({"LINES": "50", "HOME": "/root"}) == {**HELPERS, "LINES": "50", "HOME": "/root"}


def test_the_api_is_named_unless_somebody_else_was() -> None:
    given = base_environment({"TILT_HOST": "far"}, host="localhost", port=10350, colour=True)
    assert given == {**HELPERS, "FORCE_COLOR": "1", "TILT_PORT": "10350", "TILT_HOST": "far"}
    assert base_environment({}, port=1)["TILT_HOST"] == "localhost"


def test_the_runs_kubeconfig_stands_in_place_of_ours() -> None:
    assert base_environment({"KUBECONFIG": "/home/me"}, kubeconfig="/run/kc")["KUBECONFIG"] == "/run/kc"
    assert base_environment({"KUBECONFIG": "/home/me"})["KUBECONFIG"] == "/home/me"


def test_a_commands_own_pairs_win() -> None:
    assert with_pairs({"A": "1", "B": "2"}, ["A=x=y", "odd", "C="]) == {"A": "x=y", "B": "2", "C": ""}
