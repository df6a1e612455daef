"""A process of many watchers, and one writer whose every write they time: reads what to do from its line, prints JSON."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import sys
from time import perf_counter
from typing import Any

import uvloop

MARK = re.compile(rb'"sent":"([0-9.]+)"')


def _lines(asked: dict[str, Any], method: str, path: str, body: bytes = b"", media: str = "application/json") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {asked['token']}"]
    lines += [f"Content-Type: {media}", f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _connected(asked: dict[str, Any]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = asked["url"].partition("://")[2].partition(":")
    tls = ssl.create_default_context(cadata=asked["authority"]) if asked["authority"] else None
    return await asyncio.open_connection(host, int(port), ssl=tls, limit=1 << 20)


async def _answered(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    if length:
        await reader.readexactly(int(length[1]))
    else:
        while (await reader.readline()).strip() != b"0":
            pass
        await reader.readline()
    return int(head.split()[1])


async def _watch(asked: dict[str, Any], ready: asyncio.Semaphore, delays: list[float]) -> None:
    reader, writer = await _connected(asked)
    path = f"{asked['path']}?watch=1&fieldSelector=metadata.name=w"
    writer.write(_lines(asked, "GET", path))
    seen = 0
    while seen < asked["writes"]:
        line = await reader.readline()
        if b'"ADDED"' in line:
            ready.release()
        if found := MARK.search(line):
            delays.append((perf_counter() - float(found[1])) * 1000)
            seen += 1
    writer.close()


async def main(asked: dict[str, Any]) -> None:
    """Write, watch, and tell."""
    reader, writer = await _connected(asked)
    writer.write(_lines(asked, "POST", asked["path"], json.dumps(asked["body"]).encode()))
    if (code := await _answered(reader)) != 201:
        raise SystemExit(f"the write was answered {code}")
    delays: list[float] = []
    answers: list[float] = []
    ready = asyncio.Semaphore(0)
    async with asyncio.TaskGroup() as group:
        for _ in range(asked["watchers"]):
            group.create_task(_watch(asked, ready, delays))
        for _ in range(asked["watchers"]):
            await ready.acquire()
        for _ in range(asked["writes"]):
            await asyncio.sleep(asked["pause"])
            begun = perf_counter()
            body = json.dumps({"metadata": {"annotations": {"sent": str(begun)}}}).encode()
            writer.write(_lines(asked, "PATCH", f"{asked['path']}/w", body, "application/merge-patch+json"))
            await _answered(reader)
            answers.append((perf_counter() - begun) * 1000)
    writer.close()
    sys.stdout.write(json.dumps({"delays": delays, "answers": answers}))


if __name__ == "__main__":
    uvloop.run(main(json.loads(sys.argv[1])))
