from __future__ import annotations

import pytest

from upright.openapi.quantity import canonical, milli, parse_quantity, whole


@pytest.mark.parametrize(
    ("text", "cpus"), [("1", 1000), ("500m", 500), ("0.1", 100), ("1.5", 1500), ("100u", 1), ("1e1", 10000)]
)
def test_cpu_is_counted_in_thousandths(text: str, cpus: int) -> None:
    assert milli(text) == cpus


@pytest.mark.parametrize(("text", "size"), [("64Mi", 64 << 20), ("1G", 10**9), ("1.5Ki", 1536), ("128", 128)])
def test_memory_is_counted_in_bytes(text: str, size: int) -> None:
    assert whole(text) == size


@pytest.mark.parametrize("text", ["", "1 Gi", "Gi", "1Q", "1..5"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="quantities must match"):
        parse_quantity(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.1", "100m"),
        ("1000m", "1"),
        ("1500m", "1500m"),
        ("1.5", "1500m"),
        ("1000", "1k"),
        ("1024", "1024"),
        ("64000000", "64M"),
        ("0", "0"),
        ("0Mi", "0"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Mi", "512Ki"),
        ("512Ki", "512Ki"),
        ("0.5Ki", "512"),
        ("1e3", "1e3"),
        ("12e4", "120e3"),
        ("1E", "1E"),
        ("-1.5", "-1500m"),
        ("0.0000000001", "1n"),
    ],
)
def test_there_is_one_way_to_write_a_quantity(text: str, expected: str) -> None:
    assert canonical(text) == expected
    assert canonical(expected) == expected
