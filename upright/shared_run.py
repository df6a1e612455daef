"""One run for several processes of a test session: whoever needs it first has it brought up, and the one that holds the desk ends it."""

from __future__ import annotations

import json
import secrets
import threading
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import TYPE_CHECKING

from upright.session import RunFailed, Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from upright.session import Json

_UP, _END = b"up", b"end"


class Desk:
    """Where processes on this machine ask for the run; it is begun once, in a thread that lives as long as the desk."""

    def __init__(self, begin: Callable[[], Session], end: Callable[[], None]) -> None:
        self._begin = begin
        self._end = end
        self._told: bytes | None = None
        self._key = secrets.token_bytes(16)
        self._listener = Listener(("127.0.0.1", 0), authkey=self._key)  # a path of a socket may not be long
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """What ``asked`` takes."""
        return f"{self._key.hex()} {self._listener.address[1]}"

    def close(self) -> None:
        """End the run, if there is one."""
        with _connected(self.address) as connection:
            connection.send_bytes(_END)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        try:
            while True:
                try:
                    with self._listener.accept() as connection:
                        if connection.recv_bytes() == _END:
                            return
                        connection.send_bytes(self._answer())
                except (OSError, EOFError, AuthenticationError):
                    continue  # one that has died meanwhile, or is none of ours
        finally:
            self._end()

    def _answer(self) -> bytes:
        if self._told is None:
            self._told = json.dumps(self._begun()).encode()
        return self._told

    def _begun(self) -> Json:
        try:
            session = self._begin()
        except RunFailed as failed:
            return {"failed": str(failed), "output": failed.session.output}
        except Exception as error:  # noqa: BLE001  reason: who asks is another process, and has to be told
            return {"failed": f"the run did not start: {error!r}", "output": ""}
        return {"url": session.url, "status": session.status}


class NoRun(Exception):
    """The run that is shared did not become healthy; ``output`` is what it has printed."""

    def __init__(self, message: str, output: str) -> None:
        super().__init__(message)
        self.output = output


def asked(address: str) -> Session:
    """Return the run of a desk, once it is healthy. Raises NoRun."""
    with _connected(address) as connection:
        connection.send_bytes(_UP)
        told = json.loads(connection.recv_bytes())
    if "failed" in told:
        raise NoRun(told["failed"], told["output"])
    return Session(told["url"], told["status"])


def _connected(address: str) -> Connection:
    key, _, port = address.partition(" ")
    return Client(("127.0.0.1", int(port)), authkey=bytes.fromhex(key))
