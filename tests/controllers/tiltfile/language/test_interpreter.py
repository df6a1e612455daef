from __future__ import annotations

import threading
from time import monotonic, thread_time

import pytest

from upright.controllers.tiltfile.language.cancellation import Cancellation
from upright.controllers.tiltfile.language.errors import Exit, Interrupted, TiltfileError
from upright.controllers.tiltfile.language.interpreter import Interpreter
from upright.controllers.tiltfile.language.values import Builtin, Value


def run(
    files: dict[str, str] | str, *, cancellation: Cancellation | None = None, **builtins: Value
) -> dict[str, Value]:
    texts = files if isinstance(files, dict) else {"/p/Tiltfile": files}

    def read(path: str) -> str:
        if path not in texts:
            raise FileNotFoundError(2, "No such file or directory")
        return texts[path]

    interpreter = Interpreter(known=builtins, predeclared=builtins.__getitem__, read=read, cancellation=cancellation)
    return interpreter.run("/p/Tiltfile")


def failing(files: dict[str, str] | str, **builtins: Value) -> TiltfileError:
    with pytest.raises(TiltfileError) as caught:
        run(files, **builtins)
    return caught.value


def test_an_error_shows_the_call_stack_across_loads_and_the_line_with_a_caret() -> None:
    error = failing(
        {
            "/p/Tiltfile": 'load("lib/deploy", "deploy")\n\ndef all():\n  deploy("wéb", [])\n\nall()\n',
            "/p/lib/deploy": "def deploy(name, ports):\n\treturn name + str(ports[0])\n",
        }
    )
    assert str(error) == (
        "Traceback (most recent call last):\n"
        "  /p/Tiltfile:6:1: in <toplevel>\n"
        "  /p/Tiltfile:4:3: in all\n"
        "  /p/lib/deploy:2:20: in deploy\n"
        "    return name + str(ports[0])\n"
        "                      ^^^^^^^^\n"
        "Error: index 0 out of range: empty list"
    )
    assert str(error.place) == "/p/lib/deploy:2:20"


def test_an_error_inside_a_file_that_is_loaded_shows_who_loads_it() -> None:
    error = failing({"/p/Tiltfile": 'x = 1\nload("lib", "y")\n', "/p/lib": "y = 1\nz = y.foo\n"})
    assert [str(frame) for frame in error.frames] == ["/p/Tiltfile:2:1: in <toplevel>", "/p/lib:2:5: in <toplevel>"]
    assert error.message == "int has no .foo field or method"


def test_a_syntax_error_in_a_loaded_file_shows_who_loads_it() -> None:
    error = failing({"/p/Tiltfile": 'load("lib", "y")\n', "/p/lib": "y = (1\n"})
    assert str(error).startswith("Traceback (most recent call last):\n  /p/Tiltfile:1:1: in <toplevel>\n  /p/lib:1:5:")
    assert error.message == "'(' was never closed"


def test_an_undefined_name_is_found_before_anything_runs() -> None:
    called: list[str] = []
    error = failing("touch()\nif False:\n  tuch()\n", touch=Builtin("touch", lambda *_: called.append("touch")))
    assert called == []
    assert str(error) == ("/p/Tiltfile:3:3:\n    tuch()\n    ^^^^\nError: undefined: tuch (did you mean touch?)")


def test_a_builtins_error_names_the_builtin() -> None:
    error = failing('names = sorted(["a", 1], key = lambda x: x)\n')
    assert error.builtin == "sorted"
    assert str(error).endswith("Error in sorted: int < string not implemented") or "string < int" in str(error)


def test_an_error_in_a_function_that_a_builtin_calls_is_not_the_builtins() -> None:
    error = failing("sorted([1, 2], key = lambda x: x.foo)\n")
    assert error.builtin == ""
    assert [str(frame) for frame in error.frames] == [
        "/p/Tiltfile:1:1: in <toplevel>",
        "<builtin>: in sorted",
        "/p/Tiltfile:1:32: in lambda",
    ]


def test_a_misspelt_argument_of_a_function_gets_a_suggestion() -> None:
    error = failing("def web(port):\n  pass\nweb(prot = 1)\n")
    assert error.message == 'function web got an unexpected keyword argument "prot" (did you mean port?)'


def test_endless_recursion_is_told_and_the_stack_is_cut_short() -> None:
    error = failing("def f(x):\n  return f(x)\nf(1)\n")
    assert error.message == "stack overflow: functions call each other without end"
    assert len(error.frames) < 30
    assert "more calls" in str(error)


def test_source_nested_too_deeply_is_an_error() -> None:
    assert "nested" in failing("x = " + "(" * 5000 + ")" * 5000).message
    assert "nested" in failing("x = " + "-" * 100_000 + "1").message


@pytest.mark.parametrize(
    "text",
    [
        '"a" * (1 << 40)',
        "[1] * (1 << 40)",
        "(1,) * (1 << 30)",
        "1 << (1 << 40)",
        "list(range(1 << 30))",
        "[] + list(range(1 << 62))",
        '"x".join(["a" * (1 << 26)] * 100)',
        '("a" * 100000).replace("a", "a" * 100000)',
        '"a" * (1 << 27) + "b"',
        "grown()",
        "len(str(big()))",
    ],
)
def test_a_huge_allocation_is_refused(text: str) -> None:
    program = """
def grown():
  s = 3
  for i in range(100):
    s = s * s
def big():
  s = 3
  for i in range(15):
    s = s * s
  return s
"""
    error = failing(f"{program}x = {text}\n")
    assert error.place is not None
    assert "internal" not in error.message


def test_a_loop_without_end_can_be_cancelled_from_outside() -> None:
    for program in ("while True: pass", "x = [i for i in range(1 << 60)]", "for i in range(1 << 60): pass"):
        cancellation = Cancellation()
        timer = threading.Timer(0.05, cancellation.cancel, ["out of time"])
        timer.start()
        start = monotonic()
        with pytest.raises(Interrupted, match="out of time"):
            run(program, cancellation=cancellation)
        timer.join()
        assert monotonic() - start < 10


def test_a_cancelled_evaluation_does_not_begin() -> None:
    cancellation = Cancellation()
    cancellation.cancel("too late")
    with pytest.raises(Interrupted, match="too late"):
        run("x = 1", cancellation=cancellation)


def test_cancelling_after_the_end_strikes_nobody() -> None:
    cancellation = Cancellation()
    run("x = 1", cancellation=cancellation)
    cancellation.cancel()
    assert sum(range(1000)) == 499500


def test_exit_ends_the_program_without_an_error() -> None:
    def leave(_args: tuple[Value, ...], _named: dict[str, Value]) -> Value:
        raise Exit

    seen: list[int] = []
    note = Builtin("note", lambda args, _: seen.append(args[0]))
    run(
        {"/p/Tiltfile": 'note(1)\nload("lib", "x")\nnote(3)', "/p/lib": "note(2)\nexit()"},
        note=note,
        exit=Builtin("exit", leave),
    )
    assert seen == [1, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("items.append(1)", "append: cannot append to frozen list"),
        ('table["a"] = 1', "cannot insert into frozen hash table"),
        ('nested["a"].append(1)', "append: cannot append to frozen list"),
        ("grow()", "append: cannot append to frozen list"),
        ("counter()", "append: cannot append to frozen list"),
        ("items += [1]", "cannot apply += to frozen list"),
    ],
)
def test_what_a_file_exports_is_frozen(text: str, message: str) -> None:
    library = """
items = []
table = {}
nested = {"a": []}
def grow():
  items.append(1)
def make():
  seen = []
  def counter():
    seen.append(1)
  return counter
counter = make()
"""
    main = f'load("lib", "items", "table", "nested", "grow", "counter")\n{text}\n'
    assert failing({"/p/Tiltfile": main, "/p/lib": library}).message == message


def test_a_load_brings_in_aliases_and_runs_a_file_once() -> None:
    ran: list[int] = []
    found = run(
        {
            "/p/Tiltfile": 'load("lib", "a", c = "b")\nload("./lib", "b")\nx = a + b + c\n',
            "/p/lib": "note()\na = 1\nb = 10\n",
        },
        note=Builtin("note", lambda *_: ran.append(1)),
    )
    assert found == {"x": 21}
    assert ran == [1]


@pytest.mark.parametrize(
    ("library", "message"),
    [
        ("other = 1", "load: name othr not found in module lib (did you mean other?)"),
        ('load("Tiltfile", "x")\n', "cannot load Tiltfile: Circular load: /p/Tiltfile"),
    ],
)
def test_a_load_that_cannot_work_says_why(library: str, message: str) -> None:
    error = failing({"/p/Tiltfile": 'load("lib", "othr")\n', "/p/lib": library})
    assert error.message == message


def test_a_missing_file_is_an_error_at_the_load() -> None:
    error = failing('load("nothing", "x")\n')
    assert (
        error.message
        == "cannot load nothing: error reading file /p/nothing: open /p/nothing: no such file or directory"
    )
    assert str(error.place) == "/p/Tiltfile:1:1"


def test_file_and_name_are_predeclared() -> None:
    found = run({"/p/Tiltfile": 'load("lib", "n")\nx = (__file__, __name__, n)\n', "/p/lib": "n = __name__\n"})
    assert found["x"] == ("/p/Tiltfile", "__main__", "lib")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1 < 2 < 3", "comparisons cannot be chained: use and"),
        ("x = a is b", "is is not part of the Tiltfile language: use =="),
        ('x = f"{y}"', "f-strings are not part of the Tiltfile language: use % or .format()"),
        ("import os", "import is not part of the Tiltfile language: use load()"),
        ("x = {1, 2}", "set displays are not part of the Tiltfile language: use set([…])"),
        ("x = 2 ** 3", "** is not part of the Tiltfile language"),
        ("x = ['a' 'b']", "two strings side by side: put a + or a comma between them"),
        ('x = "\\d"', "invalid escape sequence \\d: write \\\\d for a backslash"),
        ("x = 1_000", "a number has no underscores"),
        ("x = 1j", "complex is not part of the Tiltfile language"),
        ("__builtins__ = {}", "the name __builtins__ is reserved"),
        ("x = (yield)", "yield is not part of the Tiltfile language"),
        ("def f():\n  load('a', 'b')", "load statement within a function"),
        ("if True:\n  load('a', 'b')", "load must stand alone at the top level: use load_dynamic() elsewhere"),
        ("load('a', '_b')", "load: names with leading underscores are not exported: _b"),
        ("x = [*[1]]", "* in a list or tuple is not part of the Tiltfile language: use +"),
        ("@f\ndef g(): pass", "decorators are not part of the Tiltfile language"),
    ],
)
def test_python_that_is_not_starlark_is_refused_with_its_place(text: str, message: str) -> None:
    error = failing(text)
    assert error.message == message
    assert error.place is not None
    assert error.frames == ()


def test_two_strings_after_one_another_are_two_statements_outside_brackets() -> None:
    run('"""Doc."""\n"more"\nx = ["a", # one\n  "b"]\n')


def test_real_files_are_quick() -> None:
    program = "total = 0\nfor i in range(300000):\n  total = total + i\n"
    start = thread_time()
    assert run(program)["total"] == 44999850000
    assert thread_time() - start < 2


def test_a_path_is_relative_to_the_file_that_is_executed() -> None:
    files = {"/p/Tiltfile": 'load("a/b", "x")\n', "/p/a/b": 'load("../c", "x")\nx = x\n', "/p/c": "x = 1\n"}
    assert run(files) == {}


def test_what_is_loaded_is_not_exported_again_unless_assigned() -> None:
    files = {
        "/p/Tiltfile": 'load("a", "x")\nload("a", "y")\n',
        "/p/a": 'load("c", "x", "y")\nx = x\n',
        "/p/c": "x = 1\ny = 2\n",
    }
    assert failing(files).message == "load: name y not found in module a"
