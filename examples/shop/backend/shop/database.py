"""The database server: SQLite behind TCP. A request is a line of JSON, and so is its answer.

Request: ``{"password": "…", "sql": "…", "parameters": […]}``; answer: ``{"rows": […]}`` or ``{"error": "…"}``.
"""

import hmac
import json
import os
import signal
import socketserver
import sqlite3
import sys
import threading

PORT = 7000


class Database:
    """One file, one connection, one statement at a time."""

    def __init__(self, file: str) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.row_factory = sqlite3.Row

    def run(self, sql: str, parameters: list[object]) -> list[dict[str, object]]:
        with self._lock:
            return [dict(row) for row in self._connection.execute(sql, parameters)]


class Conversation(socketserver.StreamRequestHandler):
    """One client, until it hangs up."""

    def handle(self) -> None:
        for line in self.rfile:
            try:
                answer = {"rows": self.answer(json.loads(line))}
            except (sqlite3.Error, ValueError, KeyError, PermissionError) as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            self.wfile.write(json.dumps(answer).encode() + b"\n")

    def answer(self, request: dict) -> list[dict[str, object]]:
        if not hmac.compare_digest(request["password"], self.server.password):
            raise PermissionError("wrong password")
        return self.server.database.run(request["sql"], request.get("parameters", []))


class Server(socketserver.ThreadingTCPServer):
    """Listens, and has a thread for each client."""

    allow_reuse_address = True
    daemon_threads = True
    database: Database
    password: str


def main() -> None:
    """Serve until SIGTERM."""
    server = Server(("", PORT), Conversation)
    server.database = Database(os.environ["DATABASE_FILE"])
    server.password = os.environ["DATABASE_PASSWORD"]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"database server: SQLite {sqlite3.sqlite_version} on port {PORT}")
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
