"""The words Kubernetes has for a field that is wrong: required, invalid, forbidden, duplicate, not supported."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from upright.openapi.errors import Cause

if TYPE_CHECKING:
    from collections.abc import Iterable


def required(path: str, detail: str = "") -> Cause:
    """Return the cause for a field that must be there."""
    return Cause(path, f"Required value: {detail}" if detail else "Required value", "FieldValueRequired")


def invalid_value(path: str, value: object, detail: str) -> Cause:
    """Return the cause for a value that cannot be, with what it should have been."""
    shown = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Cause(path, f"Invalid value: {shown}: {detail}", "FieldValueInvalid")


def forbidden(path: str, detail: str) -> Cause:
    """Return the cause for a field that must not be set or changed."""
    return Cause(path, f"Forbidden: {detail}", "FieldValueForbidden")


def duplicate(path: str, value: object) -> Cause:
    """Return the cause for what stands twice and may stand once."""
    return Cause(path, f"Duplicate value: {json.dumps(value, ensure_ascii=False)}", "FieldValueDuplicate")


def not_supported(path: str, value: str, supported: Iterable[str]) -> Cause:
    """Return the cause for a word that is none of those supported."""
    offered = ", ".join(f'"{one}"' for one in supported)
    return Cause(path, f'Unsupported value: "{value}": supported values: {offered}', "FieldValueNotSupported")


def not_found_value(path: str, value: object) -> Cause:
    """Return the cause for a name that means nothing here."""
    return Cause(path, f"Not found: {json.dumps(value, ensure_ascii=False)}", "FieldValueNotFound")
