"""Runs a program in a container of a pod."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.client.channels import run_through
from upright.client.transport import Request
from upright.openapi.core_v1.pod import Pod

if TYPE_CHECKING:
    from collections.abc import Sequence

    from upright.client.channels import Finished
    from upright.client.transport import FarTransport


async def executed(
    transport: FarTransport, pod: str, namespace: str, command: Sequence[str], *, container: str, stdin: bytes
) -> Finished:
    """Run it to its end. Raises NotFound for a pod that is not there, and what else the server answers."""
    await transport.call(Request("get", Pod, pod, namespace))  # a WebSocket that is refused does not say why
    request = Request("get", Pod, pod, namespace, "exec").with_query(
        *(("command", word) for word in command),
        ("stdout", "true"),
        ("stderr", "true"),
        *([("stdin", "true")] if stdin else ()),
        *([("container", container)] if container else ()),
    )
    async with transport.channels(request) as conversation:
        return await run_through(conversation, stdin)
