"""The committed documents, judged by a validator that nobody here wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from openapi_spec_validator import validate

SPEC = Path(__file__).parents[3] / "openapi" / "spec"
DOCUMENTS = sorted([*SPEC.glob("*/v2.json"), *SPEC.glob("*/v3/*.json")])


@pytest.mark.slow
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(SPEC)))
def test_a_document_is_valid_openapi(document: Path) -> None:
    validate(json.loads(document.read_text()))
