"""Tilt's dialect of Starlark, evaluated by CPython: parse, check, rewrite, compile, run.

It is not a sandbox, as Tilt's is none: ``local()`` runs any command.
"""
