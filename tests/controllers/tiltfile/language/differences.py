"""What differs from starlark-go: listed in docs/tiltfile.md, with a snippet or more for each."""

from __future__ import annotations

KNOWN_DIFFERENCES = {
    'print({True: 1, 1: 2}, {False: "f", 0: "z"})': "True is the key 1",
    'print({True: "t"}.get(1), {1: "one"}.get(True), True in {1: 2}, 1 in set([True]))': "True is the key 1",
    'd = {1: "one"}\nd[True] = "true"\nd[1.0] = "float"\nprint(d, len(d))': "True is the key 1",
    'print(set([1, True, 1.0, "1"]), [True, 1].index(1), [1, True].index(True))': "True is the key 1",
    'print((1, True) == (True, 1), {(1,): "a"}.get((True,)))': "True is the key 1",
    'print(set([0]) == set([False]), {"a": True} == {"a": 1})': "True is the key 1",
    'bytes("a")': "no bytes",
    'print(type(b"abc"))': "no bytes",
    'print(rb"a")': "no bytes",
    'print(b"abc", b"\\xff", type(b""))': "no bytes",
    "True = 1": "True, False and None are not names",
    "None = 1": "True, False and None are not names",
    "def f(*, a): return a\nf(1)": "a function with named parameters only accepts no arguments by position",
    'print("%s" % ([[[[[[[[[[[[1]]]]]]]]]]]] == [[[[[[[[[[[[1]]]]]]]]]]]]))': "comparison goes deeper than ten levels",
    'print(len("a" * ((1 << 27) + 1)))': "repetition stops at 128 Mi items, starlark-go's at 1 Gi",
}
