"""Writes ``openapi/spec/`` anew: ``python -m upright.openapi.documents``."""

from __future__ import annotations

from pathlib import Path

from upright.openapi.documents.rendered import SCHEMES, rendered

SPEC = Path(__file__).resolve().parent.parent / "spec"


def main() -> None:
    """Write every document of every scheme."""
    for name in SCHEMES:
        for path, text in rendered(name).items():
            target = SPEC / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
