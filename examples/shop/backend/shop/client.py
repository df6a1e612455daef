"""Asks the database server; where it is comes from the environment, the password from a mounted Secret."""

import json
import os
import socket
from pathlib import Path

PASSWORD_FILE = "/run/shop/database-password"


class DatabaseError(Exception):
    """What the server said against it."""


def run(sql: str, *parameters: object) -> list[dict]:
    """Run one statement and return its rows. Raises DatabaseError, or OSError where nobody answers."""
    password = Path(os.environ.get("PASSWORD_FILE", PASSWORD_FILE)).read_text(encoding="utf-8").strip()
    address = (os.environ["DATABASE_HOST"], int(os.environ["DATABASE_PORT"]))
    with socket.create_connection(address, timeout=5) as connection, connection.makefile("rwb") as stream:
        stream.write(json.dumps({"password": password, "sql": sql, "parameters": parameters}).encode() + b"\n")
        stream.flush()
        line = stream.readline()
    if not line:
        raise DatabaseError("the server hung up")
    answer = json.loads(line)
    if "error" in answer:
        raise DatabaseError(answer["error"])
    return answer["rows"]


def schema_version() -> int:
    """Return how many migrations the database has seen."""
    return int(run("PRAGMA user_version")[0]["user_version"])
