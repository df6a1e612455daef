"""Waits until the database has the schema that this image was made for; an init container runs it."""

import sys
import threading

from shop import client
from shop.migrate import SCHEMA

TRIES = 100
PAUSE_SECONDS = 0.2


def main() -> int:
    """Ask again and again, for a while; return the exit code."""
    trouble = "not asked yet"
    for _ in range(TRIES):
        try:
            version = client.schema_version()
        except (OSError, client.DatabaseError) as error:
            trouble = str(error)
        else:
            if version >= len(SCHEMA):
                print(f"the database has schema {version}")
                return 0
            trouble = f"the database has schema {version}, {len(SCHEMA)} is wanted"
        threading.Event().wait(PAUSE_SECONDS)
    print(f"gave up: {trouble}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
