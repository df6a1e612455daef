"""The FastAPI app: pages for people. Only ``pages`` imports this, when the first of them is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse

from upright.apiserver.dashboard.page import ASSETS, HEADERS, asset

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig

    from upright.apiserver.app.exchange import App
    from upright.apiserver.app.pages import Pages

_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}


def make_app(pages: Pages) -> App:
    """Return the app; its documentation pages are off, for they load scripts from elsewhere."""
    app = FastAPI(title="Upright", telemetry=_TELEMETRY, docs_url=None, redoc_url=None, openapi_url=None)

    async def dashboard(request: Request) -> Response:
        return HTMLResponse(pages.html(), headers=pages.headers(request.scope["server"][1]))

    async def file(name: str) -> Response:
        if name not in ASSETS:
            return Response("not found\n", 404, HEADERS)
        return Response(asset(name), headers={**HEADERS, "Content-Type": ASSETS[name]})

    app.get("/")(dashboard)
    app.get("/dashboard/{name}")(file)
    return app
