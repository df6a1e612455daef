"""Asks a running server, one request after another, with nothing but the standard library.

The short paths are free on plain HTTP; for all else there is HTTPS with the token of the run's kubeconfig, for a token
is never sent in the clear.
"""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from upright.client.cli.discovery import HOW_TO_START
from upright.client.cli.troubles import CannotTell, NotThere, Trouble, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.client import HTTPResponse

    from upright.client.cli.discovery import Server

Json = dict[str, Any]  # Any: a decoded JSON document; upright.openapi.meta has the same, and needs pydantic

JSON = "application/json"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
_ANSWER_SECONDS = 30
_OURS = frozenset({400, 406, 422})


class Asking(Protocol):
    """Answers to GETs: a connection, or the documents that came with the program."""

    def get(self, path: str, *, free: bool = False, accept: str = JSON) -> Json:
        """Return the document of a path."""
        ...


class Connection:
    """To one server. Raises NotThere and other Troubles for what it refuses, CannotTell where it does not answer."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._plain: HTTPConnection | None = None
        self._secure: HTTPConnection | None = None
        self._headers: dict[str, str] = {}

    def get(self, path: str, *, free: bool = False, accept: str = JSON) -> Json:
        """Return the answer to a GET; ``free`` for paths that need no token."""
        answer = self._ask(path, accept, free=free)
        return self._read(answer)

    def send(self, method: str, path: str, body: object = None, *, content_type: str = JSON) -> Json:
        """Return the answer to a request that changes something; it goes over HTTPS, with the token."""
        return self._read(self._ask(path, JSON, free=False, method=method, content=(body, content_type)))

    def lines(self, path: str) -> Iterator[bytes]:
        """Yield the lines of a text that goes on, each with its line feed."""
        answer = self._ask(path, "text/plain, */*", free=False)
        if answer.status >= 400:
            self._read(answer)
        self.patience(None)
        try:
            while line := answer.readline():
                yield line
            _require_end(answer)
        except (OSError, HTTPException) as error:
            raise CannotTell(f"the server at {self._where(free=False)} is gone: {error}") from error

    def patience(self, seconds: float | None) -> None:
        """Set how long an answer that goes on may say nothing; then TimeoutError. None: as long as it likes."""
        for connection in (self._plain, self._secure):
            if connection is not None and connection.sock is not None:
                connection.sock.settimeout(seconds)

    def stream(
        self, path: str, *, free: bool = False, accept: str = JSON, seconds: float | None = None
    ) -> Iterator[Json]:
        """Yield the documents of an answer that goes on, a line each.

        Raises TimeoutError when it says nothing for so many seconds; ``patience`` sets another number of them.
        """
        answer = self._ask(path, accept, free=free)
        if answer.status >= 400:
            self._read(answer)
        self.patience(seconds)
        try:
            while line := answer.readline():
                yield json.loads(line)
            _require_end(answer)
        except TimeoutError:
            raise
        except (OSError, HTTPException) as error:
            raise CannotTell(f"the server at {self._where(free=free)} is gone: {error}") from error

    def close(self) -> None:
        for connection in (self._plain, self._secure):
            if connection is not None:
                connection.close()

    def _ask(
        self, path: str, accept: str, *, free: bool, method: str = "GET", content: tuple[object, str] | None = None
    ) -> HTTPResponse:
        connection = self._over_plain() if free else self._over_tls()
        headers = {"Accept": accept} if free else {"Accept": accept, **self._headers}
        data: bytes | None = None
        if content is not None and content[0] is not None:
            data = json.dumps(content[0]).encode()
            headers["Content-Type"] = content[1]
        try:
            connection.request(method, path, data, headers)
            return connection.getresponse()
        except TimeoutError as error:
            raise CannotTell(f"{self._where(free=free)} did not answer in {_ANSWER_SECONDS} s") from error
        except (OSError, HTTPException) as error:
            raise CannotTell(f"nothing answers at {self._where(free=free)} ({error}): {HOW_TO_START}") from error

    def _read(self, answer: HTTPResponse) -> Json:
        try:
            data = answer.read()
        except (OSError, HTTPException) as error:
            raise CannotTell(f"the answer broke off: {error}") from error
        if answer.status >= 400:
            _refused(answer.status, data)
        try:
            body: Json = json.loads(data)
        except ValueError:
            raise CannotTell(f"what answers at {self._where(free=True)} is no upright: {data[:80]!r}") from None
        return body

    def _over_plain(self) -> HTTPConnection:
        if self._plain is None:
            self._plain = HTTPConnection(self._server.host, self._server.port, timeout=_ANSWER_SECONDS)
        return self._plain

    def _over_tls(self) -> HTTPConnection:
        if self._secure is None:
            self._secure = self._opened()
        return self._secure

    def _opened(self) -> HTTPConnection:
        """Connect to the server that the run's kubeconfig names, trusting its own CA only."""
        import ssl  # noqa: PLC0415  reason: sessions, resources and clusters need nothing of all this
        from http.client import HTTPSConnection  # noqa: PLC0415  reason: as above
        from pathlib import Path  # noqa: PLC0415  reason: as above
        from urllib.parse import urlsplit  # noqa: PLC0415  reason: as above

        from upright.client import kubeconfig  # noqa: PLC0415  reason: as above

        if not self._server.kubeconfig:
            raise CannotTell(
                f"{self._where(free=True)} shows sessions, resources and clusters only: "
                "its token is not known here (it was started by another user, or is just starting)"
            )
        try:
            access = kubeconfig.read(Path(self._server.kubeconfig))
        except (OSError, ValueError) as error:
            raise CannotTell(f"the token of {self._where(free=True)} cannot be read: {error}") from error
        address = urlsplit(access.server)
        trust = ssl.create_default_context(cadata=access.authority)
        self._headers = {"Authorization": f"Bearer {access.token}"}
        return HTTPSConnection(address.hostname or "", address.port, timeout=_ANSWER_SECONDS, context=trust)

    def _where(self, *, free: bool) -> str:
        if not free and self._secure is not None:
            return f"https://{self._secure.host}:{self._secure.port}"
        return f"http://{self._server.host}:{self._server.port}"


def _require_end(answer: HTTPResponse) -> None:
    """Raise HTTPException for an answer that has broken off: http.client takes that for its end when it reads lines."""
    if getattr(answer, "chunk_left", None) is not None:
        raise HTTPException("it broke off in the middle of its answer")


def _refused(status: int, data: bytes) -> NoReturn:
    """Raise what an answer other than success comes to, in the server's words."""
    try:
        said = json.loads(data)
    except ValueError:
        said = None
    message = str(said.get("message") or "") if isinstance(said, dict) else data[:200].decode("utf-8", "replace")
    message = message or f"the server answered {status}"
    if status == 404:
        raise NotThere(message)
    if status in _OURS:
        raise WrongUsage(message)
    raise (CannotTell if status >= 500 else Trouble)(f"the server refused: {message}")
