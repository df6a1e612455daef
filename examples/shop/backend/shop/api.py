"""The API: GET /articles, POST /sales; /ready says whether the database can be reached, /alive that we run."""

import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from shop import client

PORT = 8000
SETTINGS = Path(os.environ.get("SETTINGS_FILE", "/etc/shop/api.json"))


class Handler(BaseHTTPRequestHandler):
    """Answers one request after another of a connection."""

    protocol_version = "HTTP/1.1"
    currency = "EUR"

    def do_GET(self) -> None:
        if self.path == "/alive":
            self.answer(200, {"alive": True})
        elif self.path == "/ready":
            self.tried(lambda: {"schema": client.schema_version()})
        elif self.path == "/articles":
            self.tried(
                lambda: {"currency": self.currency, "articles": client.run("SELECT * FROM article ORDER BY sku")}
            )
        else:
            self.answer(404, {"error": "no such page"})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))) or b"{}")
        if self.path != "/sales" or "sku" not in asked:
            self.answer(400, {"error": 'POST {"sku": …} to /sales'})
        else:
            self.tried(lambda: sell(asked["sku"]))

    def tried(self, make: Callable[[], dict]) -> None:
        try:
            self.answer(200, make())
        except (OSError, client.DatabaseError) as error:
            self.answer(503, {"error": str(error)})
        except SoldOut as error:
            self.answer(409, {"error": str(error)})

    def answer(self, code: int, body: dict) -> None:
        data = json.dumps(body | {"pod": socket.gethostname()}).encode() + b"\n"
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Leave the probes out of the log."""
        if self.path not in {"/alive", "/ready"}:
            super().log_request(code, size)


class SoldOut(Exception):
    """There is none left."""


def sell(sku: str) -> dict:
    """Take one out of the stock and write the sale down. Raises SoldOut."""
    sold = client.run("UPDATE article SET stock = stock - 1 WHERE sku = ? AND stock > 0 RETURNING stock", sku)
    if not sold:
        raise SoldOut(f"there is no {sku} left")
    sale = client.run("INSERT INTO sale (sku, pod) VALUES (?, ?) RETURNING id", sku, socket.gethostname())
    return {"sale": sale[0]["id"], "sku": sku, "stock": sold[0]["stock"]}


def main() -> None:
    """Serve until SIGTERM."""
    Handler.currency = json.loads(SETTINGS.read_text(encoding="utf-8"))["currency"]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = ThreadingHTTPServer(("", PORT), Handler)
    print(f"API on port {PORT}, prices in {Handler.currency}")
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
