"""A small image registry, spoken to by real engines: it keeps what is pushed, and refuses as real ones do."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from upright.controllers.node.network import Network

if TYPE_CHECKING:
    from collections.abc import Generator
    from email.message import Message

NAME, PASSWORD = "me", "s3cret"
Answer = tuple[int, dict[str, str], bytes]


@dataclass
class SmallRegistry:
    """``limited``: it has given enough for today; ``private``: it wants to know who asks.

    ``faults`` are answers that come first, each once: method, a part of the path, and the answer, or None to hang up.
    ``asked`` is each request's method and path.
    """

    address: str = ""
    limited: bool = False
    private: bool = False
    faults: list[tuple[str, str, Answer | None]] = field(default_factory=list["tuple[str, str, Answer | None]"])
    asked: list[str] = field(default_factory=list[str])
    blobs: dict[str, bytes] = field(default_factory=dict[str, bytes])
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict[str, tuple[str, bytes]])

    def fault(self, method: str, path: str) -> tuple[str, str, Answer | None] | None:
        """Return what goes wrong with this request, once."""
        self.asked.append(f"{method} {path}")
        found = next((one for one in self.faults if one[0] == method and one[1] in path), None)
        if found is not None:
            self.faults.remove(found)
        return found

    def answer(self, method: str, path: str, body: bytes, headers: Message) -> Answer:
        """Return status, headers, content."""
        if self.limited:
            return refusal(429, "TOOMANYREQUESTS", "You have reached your pull rate limit")
        if self.private and headers["Authorization"] != _basic():
            status, more, content = refusal(401, "UNAUTHORIZED", "authentication required")
            return status, {**more, "WWW-Authenticate": 'Basic realm="small"'}, content
        path, _, query = path.partition("?")
        _, _, rest = path.partition("/v2/")
        if not rest:
            return 200, {}, b"{}"
        name, kind, reference = re.split(r"/(blobs|manifests)/", rest, maxsplit=1)
        if kind == "manifests":
            return self._manifest(method, name, reference, body, headers)
        return self._blob(method, path, reference, query, body)

    def _manifest(
        self, method: str, name: str, reference: str, body: bytes, headers: Message
    ) -> tuple[int, dict[str, str], bytes]:
        if method == "PUT":
            digest = _digest(body)
            for key in (reference, digest):
                self.manifests[f"{name}:{key}"] = (str(headers["Content-Type"]), body)
            return 201, {"Docker-Content-Digest": digest, "Location": f"/v2/{name}/manifests/{digest}"}, b""
        found = self.manifests.get(f"{name}:{reference}")
        if found is None:
            return refusal(404, "MANIFEST_UNKNOWN", "manifest unknown")
        return 200, {"Content-Type": found[0], "Docker-Content-Digest": _digest(found[1])}, found[1]

    def _blob(
        self, method: str, path: str, reference: str, query: str, body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        if reference.startswith("uploads/"):
            upload = (
                f"{path.partition('/uploads/')[0]}/uploads/{reference.removeprefix('uploads/') or len(self.blobs) + 1}"
            )
            if method == "POST":
                self.blobs[upload] = b""
                return 202, {"Location": upload, "Range": "0-0", "Docker-Upload-UUID": "x"}, b""
            self.blobs[upload] = self.blobs.get(upload, b"") + body
            if method == "PATCH":
                return 202, {"Location": upload, "Range": f"0-{len(self.blobs[upload]) - 1}"}, b""
            content = self.blobs.pop(upload)
            self.blobs[_digest(content)] = content
            assert query
            return 201, {"Docker-Content-Digest": _digest(content), "Location": path}, b""
        if reference not in self.blobs:
            return refusal(404, "BLOB_UNKNOWN", "blob unknown")
        return 200, {"Docker-Content-Digest": reference}, self.blobs[reference]


class _Handler(BaseHTTPRequestHandler):
    registry: SmallRegistry
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        body, fault = self._body(), self.registry.fault(self.command, self.path)
        answer = fault[2] if fault else self.registry.answer(self.command, self.path, body, self.headers)
        if answer is None:
            self._hang_up()
        else:
            self._send(*answer)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in {"Docker-Distribution-Api-Version": "registry/2.0", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = _handle  # noqa: N815  reason: the library's names

    def _body(self) -> bytes:
        if self.headers["Transfer-Encoding"] != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"] or 0))
        content = b""
        while size := int(self.rfile.readline(), 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  reason: the library's name
        del format, args


@contextmanager
def small_registry(namespace: str) -> Generator[SmallRegistry]:
    """Serve on 127.0.0.1 of a network namespace, where a boxed engine finds it."""
    registry = SmallRegistry()

    with Network(namespace).entered():
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"registry": registry}))
    registry.address = f"127.0.0.1:{server.server_port}"
    serving = threading.Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    try:
        yield registry
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _basic() -> str:
    return f"Basic {base64.b64encode(f'{NAME}:{PASSWORD}'.encode()).decode()}"


def refusal(status: int, code: str, message: str) -> tuple[int, dict[str, str], bytes]:
    return (
        status,
        {"Content-Type": "application/json"},
        json.dumps({"errors": [{"code": code, "message": message}]}).encode(),
    )
