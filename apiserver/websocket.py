"""uvicorn's WebSocket protocol, for clients that offer Kubernetes' subprotocols."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.server import ServerProtocol

if TYPE_CHECKING:
    from websockets.datastructures import Headers


class _Handshake(ServerProtocol):
    """Leaves subprotocols to the app: kubectl's have a slash, which is no token of HTTP, and is refused otherwise."""

    def process_subprotocol(self, headers: Headers) -> None:
        del headers


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's, with our handshake."""

    def __init__(self, *arguments: Any, **about: Any) -> None:  # noqa: ANN401  reason: passed on as they come
        super().__init__(*arguments, **about)
        self.conn = _Handshake(extensions=self.conn.available_extensions, max_size=about["config"].ws_max_size)
