"""Programs made by chance: small, of all kinds of values and operations, often wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from upright.controllers.tiltfile.language.methods import METHODS
from upright.controllers.tiltfile.language.universe import UNIVERSE

if TYPE_CHECKING:
    from collections.abc import Callable

Text = st.SearchStrategy[str]

_STRINGS = [
    "",
    "a",
    "abc",
    "a,b",
    " x y ",
    "é",
    "日本",
    "A-b c",
    "%s",
    "{}",
    "{0}",
    "%d %s",
    "1",
    "-0x1f",
    "1.5",
    "\\n",
    "aXbXc",
]
_NUMBERS = ["0", "1", "-1", "2", "3", "7", "10", "255", "1 << 70", "0.5", "1.0", "-2.5", "1e10", "1e-7", "1e308"]
_ATOMS = [
    "None",
    "True",
    "False",
    "[]",
    "{}",
    "()",
    "set()",
    "range(3)",
    "range(1, 9, 2)",
    "x",
    "y",
    "len",
    "(lambda v: v)",
]
_BINARY = [
    "+",
    "-",
    "*",
    "/",
    "//",
    "%",
    "&",
    "|",
    "^",
    "<<",
    ">>",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "in",
    "not in",
    "and",
    "or",
]
_AUGMENTED = ["+=", "-=", "*=", "/=", "//=", "%=", "&=", "|=", "^=", "<<=", ">>="]
_METHODS = sorted({name for methods in METHODS.values() for name in methods})
_FUNCTIONS = sorted(UNIVERSE.keys() - {"hash", "dir"})

atoms: Text = st.one_of(
    st.sampled_from([f'"{text}"' for text in _STRINGS]), st.sampled_from(_NUMBERS), st.sampled_from(_ATOMS)
)


def _larger(inner: Text) -> Text:
    some = st.lists(inner, max_size=3)
    pairs = st.lists(st.tuples(inner, inner), max_size=2)
    bound = st.one_of(st.just(""), inner)
    return st.one_of(
        st.builds("[{}]".format, some.map(", ".join)),
        st.builds("({},)".format, some.filter(bool).map(", ".join)),
        pairs.map(lambda found: "{" + ", ".join(f"{key}: {value}" for key, value in found) + "}"),
        st.builds("set([{}])".format, some.map(", ".join)),
        st.builds("({} {} {})".format, inner, st.sampled_from(_BINARY), inner),
        st.builds("({}{})".format, st.sampled_from(["-", "+", "~", "not "]), inner),
        st.builds("({})[{}]".format, inner, inner),
        st.builds("({})[{}:{}:{}]".format, inner, bound, bound, bound),
        st.builds("({}).{}({})".format, inner, st.sampled_from(_METHODS), some.map(", ".join)),
        st.builds("{}({})".format, st.sampled_from(_FUNCTIONS), some.map(", ".join)),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("[{} for x in {} if {}]".format, inner, inner, inner),
        st.builds("{{{}: {} for x, y in {}}}".format, inner, inner, inner),
        st.builds("(lambda x, y=2, *a, **k: {})({})".format, inner, some.map(", ".join)),
    )


expressions: Text = st.recursive(atoms, _larger, max_leaves=6)


def _indented(statements: list[str]) -> str:
    return "".join(f"\n  {line}" for statement in statements for line in statement.split("\n"))


def _nested(inner: Text) -> Text:
    bodies = st.lists(inner, min_size=1, max_size=3).map(_indented)
    return st.one_of(
        st.builds("for x in {}:{}".format, expressions, bodies),
        st.builds("for x, y in {}:{}".format, expressions, bodies),
        st.builds("if {}:{}\nelse:{}".format, expressions, bodies, bodies),
        st.builds("def f(x=1, *y):{}\n  return x\nprint(f({}))".format, bodies, expressions),
    )


_simple: Text = st.one_of(
    st.builds("print({})".format, expressions),
    st.builds("{} = {}".format, st.sampled_from(["x", "y", "x, y", "[x, (y,)]"]), expressions),
    st.builds("{} {} {}".format, st.sampled_from(["x", "y"]), st.sampled_from(_AUGMENTED), expressions),
    st.builds("x[{}] = {}".format, expressions, expressions),
    st.builds("x[{}] {} {}".format, expressions, st.sampled_from(_AUGMENTED), expressions),
    st.builds("x.{}({})".format, st.sampled_from(_METHODS), expressions),
)
statements: Text = st.recursive(_simple, _nested, max_leaves=3)

_joined: Callable[[list[str]], str] = "\n".join
programs: Text = st.builds(
    "x = {}\ny = {}\n{}\nprint(x, y)".format,
    expressions,
    atoms.filter(lambda text: text != "x"),
    st.lists(statements, min_size=1, max_size=3).map(_joined),
)
