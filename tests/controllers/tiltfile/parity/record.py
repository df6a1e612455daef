"""Has the real Tilt make the goldens anew: of our own Tiltfiles, and of every source in the corpus."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tests.controllers.tiltfile.parity.test_parity import CORPUS, HERE, OWN, TILT, theirs


def _write(name: str, found: object) -> None:
    (HERE / "goldens" / f"{name}.json").write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


def main() -> int:
    """Write all goldens that can be made here."""
    if not TILT:
        sys.stderr.write("no real Tilt at hand: set UPRIGHT_TEST_TILT\n")
        return 2
    with tempfile.TemporaryDirectory() as home:
        for name in OWN:
            root = HERE / "own" / name
            _write(f"own-{name}", theirs(root / "Tiltfile", root, Path(home)))
        for root in sorted(Path(CORPUS).glob("*+*")) if CORPUS else ():
            paths = [path for path in sorted(root.rglob("Tiltfile")) if ".git" not in path.parts]
            _write(root.name, {str(path.relative_to(root)): theirs(path, root, Path(home)) for path in paths})
    return 0


if __name__ == "__main__":
    sys.exit(main())
