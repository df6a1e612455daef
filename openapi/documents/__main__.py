"""Writes ``openapi/spec/`` anew: ``python -m upright.openapi.documents``."""

from __future__ import annotations

import json
from pathlib import Path

from upright.openapi.documents.rendered import SCHEMES, rendered
from upright.openapi.report import schema

SPEC = Path(__file__).resolve().parent.parent / "spec"


def write(name: str) -> None:
    """Write the documents of a scheme, and remove those it has no more."""
    made = rendered(name)
    for old in (SPEC / name).rglob("*.json"):
        if str(old.relative_to(SPEC)) not in made:
            old.unlink()
    for path, text in made.items():
        target = SPEC / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def main() -> None:
    """Write every document of every scheme."""
    for name in SCHEMES:
        write(name)
    (SPEC / "report.schema.json").write_text(json.dumps(schema(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
