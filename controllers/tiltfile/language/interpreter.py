"""Runs Tiltfiles: one at a time, each once, by path; with their loads, errors and places."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.cancellation import Cancellation
from upright.controllers.tiltfile.language.errors import Exit, Failure, Interrupted, NotLoaded, TiltfileError, nearest
from upright.controllers.tiltfile.language.grammar import check
from upright.controllers.tiltfile.language.rewrite import HELPERS, Rewriter
from upright.controllers.tiltfile.language.scope import EARLY, loaded_paths, resolve
from upright.controllers.tiltfile.language.source import Source
from upright.controllers.tiltfile.language.traceback import calling_place, explain
from upright.controllers.tiltfile.language.universe import UNIVERSE
from upright.controllers.tiltfile.language.values import Value, freeze

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Collection, Generator, Iterator, Mapping
    from types import FunctionType

    from upright.controllers.tiltfile.language.errors import Place
    from upright.controllers.tiltfile.language.scope import Names

_FILE_NAMES = ("__file__", "__name__")


def absolute(path: str, directory: str) -> str:
    """Return the path made absolute and normal, relative to the directory."""
    return os.path.normpath(os.path.join(directory, path))  # noqa: PTH118  reason: Path would keep ".."


class Interpreter:
    """Evaluates files of the Tiltfile language.

    ``known`` are the host's names, ``predeclared`` gives the value of one of them; it is asked only for names that a
    file uses. ``locate`` turns what a ``load`` says into an absolute path, given the directory of the loading file;
    ``read`` returns a file's text, and may take note of it.
    """

    def __init__(
        self,
        *,
        known: Collection[str] = (),
        predeclared: Callable[[str], Value] = UNIVERSE.__getitem__,
        locate: Callable[[str, str], str] = absolute,
        read: Callable[[str], str],
        cancellation: Cancellation | None = None,
    ) -> None:
        self.known = frozenset(known) | UNIVERSE.keys()
        self.predeclared = predeclared
        self.locate = locate
        self.read = read
        self.cancellation = cancellation or Cancellation()
        self.sources: dict[str, Source] = {}
        self.main = ""
        self.executing: list[str] = []
        self._exports: dict[str, dict[str, Value]] = {}

    @property
    def directory(self) -> str:
        """The directory of the file that is being executed: what relative paths are relative to."""
        return str(Path(self.executing[-1] if self.executing else self.main).parent)

    def run(self, path: str) -> dict[str, Value]:
        """Execute the main file and return its globals; exit() ends it early. Raises TiltfileError or Interrupted."""
        self.main = path
        exports: dict[str, Value] = {}
        with self.errors(), self.cancellation:
            self.cancellation.tick()
            exports.update(self.execute(path))
        return exports

    @contextmanager
    def errors(self) -> Generator[None]:
        """Turn what is raised inside into a TiltfileError with its place; exit() into an early end."""
        try:
            yield
        except Exit:
            return
        except Interrupted as interrupted:
            told = Interrupted(self.cancellation.reason).with_traceback(interrupted.__traceback__)
            raise Interrupted(self.cancellation.reason, explain(told, self.sources)) from None
        except Exception as error:  # noqa: BLE001  reason: whatever a Tiltfile runs into gets its place
            explained = explain(error, self.sources)
            raise explained from (None if isinstance(error, Failure | TiltfileError) else error)

    def call(self, function: FunctionType, *args: Value) -> Value:
        """Call a function of a Tiltfile after its file has run; raises TiltfileError."""
        result: list[Value] = [None]
        with self.errors():
            result = [function(*args)]
        return result[0]

    def where(self) -> Place | None:
        """Return the place in a Tiltfile that called the builtin which asks."""
        return calling_place(sys._getframe(1), self.sources)  # noqa: SLF001  reason: the stack is what is asked for

    def load(self, name: str, symbols: tuple[str, ...]) -> list[Value]:
        """Return what a ``load`` statement asks for."""
        try:
            exports = self.execute(self.locate(name, self.directory))
        except NotLoaded as failure:
            raise Failure(f"cannot load {name}: {failure}") from None
        for symbol in symbols:
            if symbol not in exports:
                raise Failure(f"load: name {symbol} not found in module {name}{nearest(symbol, list(exports))}")
        return [exports[symbol] for symbol in symbols]

    def execute(self, path: str) -> dict[str, Value]:
        """Run a file once and return its frozen globals; a second time they are remembered."""
        if path in self._exports:
            return self._exports[path]
        if path in self.executing:
            raise NotLoaded(f"Circular load: {path}")
        code_globals = self._prepare(path)
        self.executing.append(path)
        try:
            exec(code_globals.pop("@code"), code_globals)  # noqa: S102  reason: the evaluator's one purpose
        finally:
            self.executing.pop()
        loaded = code_globals["@loaded"]
        exports = {
            name: value
            for name, value in code_globals.items()
            if name[0] != "@" and name not in loaded and name != "__builtins__"
        }
        freeze(*exports.values())
        self._exports[path] = exports
        return exports

    def _prepare(self, path: str) -> dict[str, Value]:
        """Return the globals of a file about to run, with its code under ``@code``."""
        source = self._source(path)
        try:
            tree = source.parse()
            names = self._names(tree, source)
            code = compile(Rewriter().visit(tree), path, "exec", dont_inherit=True)
        except RecursionError:
            raise Failure(f"{path} is nested too deeply") from None
        except SyntaxError as error:
            raise source.error(error.msg, source.span(error.lineno or 1, (error.offset or 1) - 1, None)) from None
        own: Mapping[str, Value] = {
            "__file__": path,
            "__name__": "__main__" if path == self.main else Path(path).name,
        }
        builtins: dict[str, Value] = {
            **HELPERS,
            "@load": self.load,
            "@tick": self.cancellation.tick,
        }
        for name in names.free:
            builtins[name] = builtins[EARLY + name] = own[name] if name in own else self._named(name)
        return {"__builtins__": builtins, "@file": path, "@loaded": names.loaded, "@code": code}

    def _source(self, path: str) -> Source:
        try:
            text = self.read(path)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise NotLoaded(f"error reading file {path}: open {path}: {reason}") from None
        except UnicodeDecodeError as error:
            raise NotLoaded(f"error reading file {path}: not UTF-8 at byte {error.start}") from None
        source = self.sources[path] = Source(path, text.removeprefix("\ufeff").replace("\r\n", "\n"))
        return source

    def _names(self, tree: ast.Module, source: Source) -> Names:
        """Return the names a file uses; what is wrong with it is told together with what is wrong with files it loads."""
        try:
            check(tree, source)
            return resolve(tree, source, (*self.known, *_FILE_NAMES))
        except TiltfileError as error:
            raise error.with_others(list(self._wrong_in_loads(tree, str(Path(source.path).parent)))) from None

    def _wrong_in_loads(self, tree: ast.Module, directory: str) -> Iterator[TiltfileError]:
        """Yield what can be found wrong, without running anything, in files of the project that are loaded."""
        for name in loaded_paths(tree):
            path = absolute(name, directory)
            if "://" in name or path in self.sources:
                continue
            try:
                source = self._source(path)
                self._names(source.parse(), source)
            except TiltfileError as error:
                yield error
            except (Failure, RecursionError):
                continue  # told when it is loaded

    def _named(self, name: str) -> Value:
        return UNIVERSE[name] if name in UNIVERSE else self.predeclared(name)
