"""The page as an ASGI application: Streamlit's, with the routes that sign a browser in and out, and safe headers."""

from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.starlette import App

from webui.shell.session_keys import COOKIE, SECONDS, session_keys

# Nothing from elsewhere is ever loaded. Streamlit's own scripts need `unsafe-inline` and `unsafe-eval`.
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_SAFE = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}


def make_app(service_url: str, language: str) -> App:
    """Return the page over the service at this address."""
    return App(
        Path(__file__).parent / "shell" / "app.py",
        secrets={"service": service_url, "language": language},
        routes=[Route("/session", _enter, methods=["POST"]), Route("/session", _leave, methods=["DELETE"])],
        middleware=[Middleware(SafeHeaders)],
    )


class SafeHeaders:
    """ASGI middleware that adds them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""

        async def send_safe(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _SAFE.items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, send_safe if scope["type"] == "http" else send)


async def _enter(request: Request) -> Response:
    mark = session_keys().redeem((await request.body())[:200].decode("ascii", "replace"))
    if mark is None:
        return Response(status_code=403)
    response = Response(status_code=204)
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, mark, max_age=SECONDS, httponly=True, samesite="strict", secure=secure)
    return response


async def _leave(request: Request) -> Response:
    session_keys().forget(request.cookies.get(COOKIE, ""))
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response
