"""A server: plain HTTP for people on loopback, HTTPS with tokens for kubectl and its like, and the end of both."""

from __future__ import annotations

import secrets
import ssl
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
from msgspec import Struct

from upright.apiserver.app.audit import Audit
from upright.apiserver.app.front import Front
from upright.apiserver.app.token_pages import TokenPages
from upright.apiserver.auth import Guard, Level, Tokens
from upright.apiserver.limits import DEFAULT_LIMITS, Limits
from upright.apiserver.listener import Listener
from upright.apiserver.sockets import listen, port_of
from upright.client import kubeconfig
from upright.openapi.subresources import Subresources

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from anyio.abc import TaskStatus

    from upright.apiserver.app.exchange import App
    from upright.apiserver.registry import Registry
    from upright.apiserver.tilt.log_desk import LogDesk
    from upright.apiserver.tokens import TokenBook

SECURE_HOST = "127.0.0.1"
_ANY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104  reason: told apart from names, not bound


class Settings(Struct, frozen=True):
    """What a server is told: where its kubeconfig goes, the context's name, its port for HTTPS.

    ``certificates`` is a folder that several servers may share (None: ``folder``).

    ``hosts`` are names, beside the loopback ones, that clients may call it by; the kubeconfig leads to the first.
    ``secure_host`` is where HTTPS listens; plain HTTP never leaves loopback. ``version`` is the program's.
    ``sessions_apart``: each Session lives with its objects in a partition of its name, and the root has them all.
    ``runs`` is the folder where other processes keep the logs of these Sessions.
    ``limits`` are how much a request may be, and how long it may take to come.
    ``audit_log`` is a file for a line about every write.
    """

    folder: Path
    context: str = "upright"
    secure_port: int | None = 0
    hosts: tuple[str, ...] = ()
    version: str = "0.1.0"
    dashboard: bool = True
    certificates: Path | None = None
    secure_host: str = SECURE_HOST
    sessions_apart: bool = False
    audit_log: Path | None = None
    runs: Path | None = None
    limits: Limits = DEFAULT_LIMITS


class Server:
    """Serves a registry. ``plain`` are sockets of ``sockets.listen_on_loopback``, none for HTTPS only.

    Run ``serve`` in a task group: ``await group.start(server.serve)`` returns when plain HTTP answers. HTTPS follows, for
    its certificate takes longer than all else: ``await server.secured()``. Cancel ``serve`` to stop: streams are told
    first, and it takes at most a second.
    """

    def __init__(
        self,
        registry: Registry,
        plain: list[socket.socket],
        settings: Settings,
        *,
        now: Callable[[], datetime],
        subresources: Subresources | None = None,
        book: TokenBook | None = None,
    ) -> None:
        self.tokens = book.fallback if book else Tokens.generate()
        self.kubeconfig = settings.folder / "kubeconfig"
        self.secure_url = ""
        self._settings = settings
        self._plain = plain
        self._now = now
        self._secured = anyio.Event()
        self._book = book
        guard = Guard(book or self.tokens, hosts=settings.hosts)
        self._front = Front(
            registry,
            guard,
            subresources or Subresources(),
            now=now,
            version=settings.version,
            dashboard=settings.dashboard,
            sessions_apart=settings.sessions_apart,
            runs=settings.runs,
        )
        self._app: App = TokenPages(self._front, book, guard) if book else self._front
        self._audit = Audit(self._app, settings.audit_log, self._who, now) if settings.audit_log else None
        self._listeners: list[Listener] = []

    @property
    def logs(self) -> LogDesk:
        """Where whoever has the logs brings them, for those who ask the server."""
        return self._front.logs

    @property
    def url(self) -> str:
        """The address of plain HTTP, for people."""
        return f"http://localhost:{port_of(self._plain)}" if self._plain else ""

    async def secured(self) -> Path:
        """Wait until HTTPS answers, and return the kubeconfig that leads there."""
        await self._secured.wait()
        return self.kubeconfig

    async def serve(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled."""
        try:
            if self._plain:
                await self._listen(self._plain, None)
            task_status.started()
            if self._settings.secure_port is not None:
                await self._secure(self._settings.secure_port)
            async with anyio.create_task_group() as group:
                if self._book:
                    group.start_soon(self._book.follow)
                await self._front.answers.cut_stalled()
        finally:
            with anyio.CancelScope(shield=True):
                await self._stop()

    async def _listen(self, sockets: list[socket.socket], tls: ssl.SSLContext | None) -> None:
        listener = Listener(
            self._audit or self._app, sockets, tls, quick=self._front.quick.answer, limits=self._settings.limits
        )
        self._listeners.append(listener)
        await listener.start()

    async def _secure(self, port: int) -> None:
        host = self._settings.secure_host
        sockets = listen(host, port)
        try:
            tls, authority = await anyio.to_thread.run_sync(self._identity)
        except BaseException:
            for bound in sockets:
                bound.close()
            raise
        await self._listen(sockets, tls)
        called = (*self._settings.hosts, host if host not in _ANY_ADDRESS else SECURE_HOST)[0]
        self.secure_url = f"https://{f'[{called}]' if ':' in called else called}:{port_of(sockets)}"
        access = kubeconfig.Access(self.secure_url, authority, await self._admin_token(), self._settings.context)
        await anyio.to_thread.run_sync(kubeconfig.write, self.kubeconfig, access)
        self._secured.set()

    async def _admin_token(self) -> str:
        """Return the token for the kubeconfig: the one it had, where tokens last and that one is still good."""
        if self._book is None:
            return self.tokens.admin
        try:
            had = await anyio.to_thread.run_sync(kubeconfig.read, self.kubeconfig)
            if self._book.name(had.token) and self._book.level(had.token) is Level.ADMIN:
                return had.token
        except (OSError, ValueError):
            pass  # there is none, or it is not ours: it is written anew
        return await self._book.create(f"kubeconfig-{secrets.token_hex(4)}", "admin")

    def _who(self, authorization: bytes) -> str:
        """Return whose token an Authorization header has."""
        token = authorization.decode("latin-1").partition(" ")[2].strip()
        if self._book is not None and (name := self._book.name(token)):
            return name
        return {Level.ADMIN: "admin", Level.READER: "reader", Level.NOBODY: ""}[self.tokens.level(token)]

    def _identity(self) -> tuple[ssl.SSLContext, str]:
        """Return the TLS context and the PEM of the CA; in a thread, for keys and files take a while."""
        from upright.apiserver.certs import certificate  # noqa: PLC0415  reason: nothing before the first answer needs it

        found = certificate(self._settings.certificates or self._settings.folder, self._now(), self._settings.hosts)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(found.chain, found.key)
        return tls, found.authority.read_text(encoding="ascii")

    async def _stop(self) -> None:
        for listener in self._listeners:
            listener.refuse()
        if not self._listeners:
            for bound in self._plain:
                bound.close()
        self._front.answers.close()
        async with anyio.create_task_group() as group:
            for listener in self._listeners:
                group.start_soon(listener.drain)
        if self._audit is not None:
            self._audit.close()
