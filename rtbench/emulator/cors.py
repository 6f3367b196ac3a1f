"""Cross-origin requests: pages of any origin may ask for calls, and read where a call is (WHATWG Fetch, 3.3)."""

from __future__ import annotations

from aiohttp import web

METHODS = "GET, POST, OPTIONS"
HEADERS = "authorization, content-type"
MAX_AGE_S = 600


def allow(app: web.Application) -> None:
    """Let pages of every origin use an application."""
    app.on_response_prepare.append(_expose)
    app.router.add_route("OPTIONS", "/{path:.*}", _preflight)


async def _expose(request: web.Request, response: web.StreamResponse) -> None:
    if "Origin" in request.headers and response.status != 101:
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Expose-Headers"] = "Location"


async def _preflight(request: web.Request) -> web.Response:
    """What a page may send; clients add headers of their own, and are granted those that they name."""
    asked = request.headers.get("Access-Control-Request-Headers", HEADERS)
    headers = {
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Allow-Headers": asked,
        "Access-Control-Max-Age": str(MAX_AGE_S),
    }
    return web.Response(status=204, headers=headers)
