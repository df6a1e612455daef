from __future__ import annotations

import pytest

from upright.client.cli.flags import Command, Flag, HelpWanted, parse
from upright.client.cli.troubles import WrongUsage

COMMAND = Command(
    "x",
    "Does x.",
    "x",
    "x",
    (
        Flag("file", "a file", "PATH", short="f", default="Tiltfile"),
        Flag("port", "a port", "PORT", default="1", variables=("UPRIGHT_PORT", "TILT_PORT")),
        Flag("name", "names", "NAME", many=True),
        Flag("form", "how", "FORM", choices=("wide", "json")),
        Flag("watch", "go on", short="w"),
    ),
)


@pytest.mark.parametrize("line", [["-f", "a"], ["-fa"], ["-f=a"], ["--file", "a"], ["--file=a"], ["-wfa"]])
def test_a_value_stands_beside_its_flag_or_apart(line: list[str]) -> None:
    assert parse(COMMAND, line, {}).text("file") == "a"


def test_flags_stand_anywhere_until_two_dashes() -> None:
    given = parse(COMMAND, ["a", "-w", "b", "--", "--file", "-h"], {})
    assert given.on("watch")
    assert given.arguments == ["a", "b", "--file", "-h"]
    assert given.text("file") == "Tiltfile"


def test_a_switch_takes_true_or_false_beside_it_only() -> None:
    assert not parse(COMMAND, ["--watch=false"], {}).on("watch")
    assert parse(COMMAND, ["--watch", "false"], {}).arguments == ["false"]
    with pytest.raises(WrongUsage, match="neither true nor false"):
        parse(COMMAND, ["--watch=maybe"], {})


def test_flags_outweigh_our_variables_and_these_tilts() -> None:
    both = {"UPRIGHT_PORT": "2", "TILT_PORT": "3"}
    assert parse(COMMAND, ["--port=4"], both).number("port") == 4
    assert parse(COMMAND, [], both).number("port") == 2
    assert parse(COMMAND, [], {"TILT_PORT": "3", "UPRIGHT_PORT": ""}).number("port") == 3
    assert parse(COMMAND, [], {}).number("port") == 1


def test_a_bad_value_is_told_with_where_it_comes_from() -> None:
    with pytest.raises(WrongUsage, match='TILT_PORT: "x" is not a whole number from 0 to 9'):
        parse(COMMAND, [], {"TILT_PORT": "x"}).number("port", 0, 9)
    with pytest.raises(WrongUsage, match='--port: "-1" is not'):
        parse(COMMAND, ["--port=-1"], {}).number("port", 0, 9)
    with pytest.raises(WrongUsage, match='--form: "jsno" is not one of wide, json'):
        parse(COMMAND, ["--form=jsno"], {})


def test_repeated_flags_and_commas_are_one_list() -> None:
    assert parse(COMMAND, ["--name=a,b", "--name", "c"], {}).many("name") == ("a", "b", "c")
    assert parse(COMMAND, [], {}).many("name") == ()


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        (["--fiel=x"], 'unknown flag: --fiel (did you mean "--file"?)'),
        (["-z"], "unknown flag: -z in -z"),
        (["--file"], "--file needs a value: a file"),
        (["-w=2"], '-w: "2" is neither'),
    ],
)
def test_what_cannot_be_a_flag_is_refused(line: list[str], hint: str) -> None:
    with pytest.raises(WrongUsage) as caught:
        parse(COMMAND, line, {})
    assert hint in str(caught.value)


def test_help_is_wanted_wherever_it_stands() -> None:
    with pytest.raises(HelpWanted):
        parse(COMMAND, ["a", "-wh"], {})
