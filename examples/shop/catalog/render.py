"""Turns the catalogue into what the images contain: the articles as JSON, and the page they are shown on.

python3 catalog/render.py FOLDER
"""

import csv
import json
import sys
from pathlib import Path
from string import Template

HERE = Path(__file__).parent
TITLE = "The corner shop"


def main(target: Path) -> None:
    """Write both files."""
    with (HERE / "catalog.csv").open(encoding="utf-8", newline="") as file:
        articles = [{**row, "cents": int(row["cents"]), "stock": int(row["stock"])} for row in csv.DictReader(file)]
    target.mkdir(parents=True, exist_ok=True)
    page = Template((HERE / "page.html").read_text(encoding="utf-8"))
    cheapest = min(article["cents"] for article in articles)
    write(target / "catalog.json", json.dumps(articles, indent=1) + "\n")
    write(target / "page.html", page.substitute(title=TITLE, count=len(articles), cheapest=f"{cheapest / 100:.2f}"))
    print(f"{len(articles)} articles")


def write(file: Path, text: str) -> None:
    """Write what has changed only, so that images are not built anew for nothing."""
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
