"""Brings the database to the newest schema, and fills in the catalogue the first time."""

import json
import sys
from pathlib import Path

from shop import client

SCHEMA = (
    "CREATE TABLE article (sku TEXT PRIMARY KEY, name TEXT NOT NULL, cents INTEGER NOT NULL, stock INTEGER NOT NULL)",
    "CREATE TABLE sale (id INTEGER PRIMARY KEY, sku TEXT NOT NULL REFERENCES article, pod TEXT NOT NULL)",
)
CATALOG = Path(__file__).with_name("catalog.json")


def main() -> int:
    """Run the migrations that are missing; return the exit code."""
    version = client.schema_version()
    for number, statement in enumerate(SCHEMA[version:], version + 1):
        client.run(statement)
        client.run(f"PRAGMA user_version = {number}")
        print(f"schema {number}: {statement.split(' (')[0].lower()}")
    articles = json.loads(CATALOG.read_text(encoding="utf-8"))
    for article in articles:
        client.run("INSERT INTO article VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", *article.values())
    print(f"schema {len(SCHEMA)}, {len(articles)} articles")
    return 0


if __name__ == "__main__":
    sys.exit(main())
