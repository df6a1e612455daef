from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from upright.client.cli.colours import coloured
from upright.client.cli.commands.ci import options, run
from upright.client.cli.options import CiOptions
from upright.client.cli.troubles import WrongUsage
from upright.openapi.v1alpha1.limits import Limits

if TYPE_CHECKING:
    from pathlib import Path


def test_without_flags_everything_has_tilts_default() -> None:
    assert options([], {}) == CiOptions()
    assert CiOptions() == CiOptions(file="Tiltfile", port=10350, host="localhost", timeout=timedelta(minutes=30))


def test_every_flag_of_tilt_ci_is_taken() -> None:
    line = (
        "--port=10360 --host=127.0.0.1 --webdev-port=1 --web-mode=prod -f infra/Tiltfile --context=kind-x --namespace=n "
        "--log-level=warn --log-source=runtime --log-resource=a,b --log-resource=c --logactions "
        "--output-snapshot-on-exit=/s.json --timeout=1h30m -d -v --klog 3 web -- --env staging"
    )
    assert options(line.split(), {}) == CiOptions(
        file="infra/Tiltfile",
        args=("web", "--env", "staging"),
        host="127.0.0.1",
        port=10360,
        namespace="n",
        cluster="kind-x",
        timeout=timedelta(hours=1, minutes=30),
        log_level="warn",
        log_source="runtime",
        log_resources=("a", "b", "c"),
        output_snapshot_on_exit="/s.json",
        debug=True,
        verbose=True,
    )


def test_variables_stand_for_flags() -> None:
    variables = {
        "TILT_PORT": "1",
        "UPRIGHT_PORT": "0",
        "TILT_HOST": "::1",
        "UPRIGHT_CLUSTER": "embedded",
        "UPRIGHT_ENGINE": "podman",
        "UPRIGHT_STATE": "/s",
        "UPRIGHT_DATABASE": "postgresql://x",
        "UPRIGHT_FAIL_FAST": "never",
    }
    assert options([], variables) == CiOptions(
        port=0,
        host="::1",
        cluster="embedded",
        engine="podman",
        state="/s",
        database="postgresql://x",
        fail_fast="never",
    )


def test_no_timeout_is_said_with_0() -> None:
    assert options(["--timeout=0"], {}).timeout is None


def test_limits_are_read_as_they_are_meant() -> None:
    asked = options(["--set", "crash_budget=5,ready_timeout=2m", "--set=stable_for=500ms"], {})
    assert asked.limits == Limits(
        crash_budget=5, ready_timeout=timedelta(minutes=2), stable_for=timedelta(milliseconds=500)
    )


@pytest.mark.parametrize(
    ("line", "variables", "hint"),
    [
        ("--set crash_buget=5", {}, 'no limit "crash_buget" (did you mean "crash_budget"?)'),
        ("--set crash_budget=x", {}, "--set crash_budget=x"),
        ("--set crash_budget", {}, "a value is missing"),
        ("--timeout=5x", {}, '--timeout: cannot read duration "5x"'),
        ("--timeout=-5s", {}, "cannot be negative"),
        ("", {"UPRIGHT_TIMEOUT": "soon"}, 'UPRIGHT_TIMEOUT: cannot read duration "soon"'),
        ("", {"TILT_PORT": "http"}, 'TILT_PORT: "http" is not a whole number'),
        ("", {"UPRIGHT_ENGINE": "dokcer"}, 'UPRIGHT_ENGINE: "dokcer" is not one of auto, host, dockerd, podman'),
        ("--cluster=embedded --context=kind", {}, "contradict each other"),
        ("--log-source=bild", {}, 'did you mean "build"?'),
        ("--legacy", {}, "unknown flag: --legacy"),
    ],
)
def test_what_cannot_be_meant_is_refused(line: str, variables: dict[str, str], hint: str) -> None:
    with pytest.raises(WrongUsage) as caught:
        options(line.split(), variables)
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("when", "variables", "terminal", "wanted"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "0"}, False, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_colours_are_for_those_who_look(when: str, variables: dict[str, str], terminal: bool, wanted: bool) -> None:
    assert coloured(when, variables, terminal=terminal) is wanted


def test_reports_go_where_their_flags_say() -> None:
    asked = options(
        ["--report=r.json", "--report-html", "p", "--junit=j.xml", "--output-snapshot-on-exit", "s", "--log=failures"],
        {},
    )
    assert asked.outputs == {
        "--report": "r.json",
        "--report-html": "p",
        "--junit": "j.xml",
        "--output-snapshot-on-exit": "s",
    }
    assert asked.log == "failures"


def test_a_report_whose_name_is_a_pages_is_a_page() -> None:
    assert options(["--report=out/R.HTML"], {}).outputs == {"--report-html": "out/R.HTML"}
    with pytest.raises(WrongUsage, match="ask for two pages"):
        options(["--report=a.html", "--report-html=b.html"], {})


@pytest.mark.parametrize("flag", ["--report", "--report-html", "--junit", "--output-snapshot-on-exit"])
def test_a_file_that_cannot_be_written_is_refused_before_the_run(flag: str, tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match=f"^{flag}={tmp_path}/none/x: the folder {tmp_path}/none does not exist$"):
        run([f"{flag}={tmp_path}/none/x"])


def test_two_reports_do_not_share_a_file(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="name the same file"):
        run([f"--report={tmp_path}/x", f"--junit={tmp_path}/../{tmp_path.name}/x"])
