from __future__ import annotations

from typing import Any

import pytest

from upright.controllers.tiltfile.json_path import JSONPath

DOCUMENT: dict[str, Any] = {
    "spec": {
        "image": "a",
        "list": [{"name": "x", "image": "b"}, {"name": "y", "image": "c"}],
        "dotted.key": {"image": "d"},
        "map": {"k": {"image": "e"}},
    }
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("{.spec.image}", ["a"]),
        ("{$.spec.image}", ["a"]),
        ("{spec.image}", ["a"]),
        ("{.spec.list[*].image}", ["b", "c"]),
        ("{.spec.list[1].image}", ["c"]),
        ("{.spec.list[-1].image}", ["c"]),
        ("{.spec.list[5].image}", []),
        ("{.spec['dotted.key'].image}", ["d"]),
        (r"{.spec.dotted\.key.image}", ["d"]),
        ("{.spec.map.*.image}", ["e"]),
        ('{.spec.list[?(@.name=="y")].image}', ["c"]),
        ("{.spec.list[?(@.name != 'y')].image}", ["b"]),
        ("{.spec.list[?(@.image)].name}", ["x", "y"]),
        ("{..image}", ["a", "b", "c", "d", "e"]),
        ("{.spec.nothing.image}", []),
        ("{.spec.image.more}", []),
    ],
)
def test_a_path_leads_to_what_it_says(path: str, found: list[str]) -> None:
    assert [place.value for place in JSONPath(path).find(DOCUMENT)] == found


@pytest.mark.parametrize("path", ["", ".spec.image", "{}", "{.spec[}", "{.a b}", "{.spec[?(@.x<1)]}"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="invalid JSONPath"):
        JSONPath(path)
