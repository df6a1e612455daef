"""Blob: text that knows where it came from."""

from __future__ import annotations

from upright.controllers.tiltfile.language.values import HostValue


class Blob(HostValue):
    """The contents of a file or the output of a command, handed from builtin to builtin."""

    starlark_type = "blob"

    def __init__(self, text: str, source: str) -> None:
        self.text = text
        self.source = source

    def __bool__(self) -> bool:
        return bool(self.text)

    def __str__(self) -> str:
        return self.text
