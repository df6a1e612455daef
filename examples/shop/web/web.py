"""The web front: the shop's page, filled in from the API; POST /buy passes on to it."""

import html
import json
import os
import signal
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

PORT = 8080
PAGE = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
API = os.environ["API_URL"]


class Handler(BaseHTTPRequestHandler):
    """Answers one request after another of a connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/alive":
            self.answer(200, "ok\n", "text/plain")
        elif self.path in {"/", "/ready"}:
            self.page()
        else:
            self.answer(404, "no such page\n", "text/plain")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.path == "/buy":
            code, said = ask("/sales", body)
            self.answer(code, json.dumps(said | {"web": socket.gethostname()}) + "\n", "application/json")
        else:
            self.answer(404, "no such page\n", "text/plain")

    def page(self) -> None:
        code, said = ask("/articles")
        if code != 200:
            self.answer(503, f"the API says: {said.get('error')}\n", "text/plain")
            return
        rows = "\n".join(row(article, said["currency"]) for article in said["articles"])
        text = PAGE.replace("<!-- rows -->", rows).replace("<!-- server -->", html.escape(socket.gethostname()))
        self.answer(200, text, "text/html; charset=utf-8")

    def answer(self, code: int, text: str, kind: str) -> None:
        data = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Leave the probes out of the log."""
        if self.path not in {"/alive", "/ready"}:
            super().log_request(code, size)


def ask(path: str, body: bytes | None = None) -> tuple[int, dict]:
    """Return the API's status and its answer; 503 where it does not answer."""
    request = Request(API + path, data=body, headers={"Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=5) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        return error.code, json.load(error)
    except (URLError, OSError, ValueError) as error:
        return 503, {"error": f"{API} does not answer: {error}"}


def row(article: dict, currency: str) -> str:
    """Return an article's row of the table."""
    price = f"{article['cents'] / 100:.2f} {currency}"
    cells = (article["name"], price, article["stock"])
    return f'<tr id="{article["sku"]}">' + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells) + "</tr>"


def main() -> None:
    """Serve until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = ThreadingHTTPServer(("", PORT), Handler)
    print(f"web front on port {PORT}, before {API}")
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
