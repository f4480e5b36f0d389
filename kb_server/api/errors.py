"""The error tree over HTTP: problem details (RFC 9457) for our own routes, other shapes for those of other systems."""

import logging
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kb_server.core.errors import KbError, TooLarge, TryLater
from kb_server.runtime.logs import described


class Problem(BaseModel):
    """An error: problem details (RFC 9457) with a code for programs and a hint for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str
    request_id: str
    errors: list[dict[str, str]] = []


logger = logging.getLogger(__name__)

STATUS = {
    "usage": 400,
    "invalid_name": 422,
    "unknown_setting": 422,
    "invalid_setting": 422,
    "already_exists": 409,
    "not_found": 404,
    "too_large": 413,
    "unauthorized": 401,
    "forbidden": 403,
    "try_later": 503,
    "rate_limited": 429,
    "missing_extra": 501,
    "model_not_found": 503,
    "model_mismatch": 409,
    "generation": 503,
    "memory": 503,
    "prompt_too_long": 422,
    "model_server": 503,
    "embedding_server": 503,
    "cluster": 503,
    "cannot_call_tools": 501,
    "unreadable": 422,
    "storage": 500,
    "broken_archive": 422,
    "storage_full": 507,
    "busy": 503,
    "store_unavailable": 503,
    "interrupted": 503,
}

"""The HTTP status of each error code; a test holds it against the tree."""

_OURS_TO_MEND = frozenset(
    {
        "storage",
        "storage_full",
        "missing_extra",
        "store_unavailable",
        "model_not_found",
        "generation",
        "memory",
        "model_server",
        "embedding_server",
        "cluster",
        "error",
    }
)

_OF_HTTP = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_media_type"}

_BUSY_SECONDS = 2

Body = Callable[[int, str, str, str], Mapping[str, Any]]

"""Makes an error's body from its status, code, sentence and hint."""


class Problems:
    """Answers errors by problem details, or by the shape of the longest path prefix in `shapes`."""

    def __init__(self, shapes: Mapping[str, Body]) -> None:
        self._shapes = shapes

    def install(self, app: FastAPI) -> None:
        """Answer every error of this application."""
        app.add_exception_handler(KbError, self._known)
        app.add_exception_handler(RequestValidationError, self._invalid)
        app.add_exception_handler(HTTPException, self._http)
        app.add_exception_handler(Exception, self._unknown)

    def known(self, request: Request, error: KbError) -> Response:
        """Answer an error of our tree."""
        status = STATUS.get(error.code, 500)
        headers = {"Retry-After": str(_seconds(error))} if status in (429, 503) else {}
        if status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        if error.code not in _OURS_TO_MEND:
            return self._answer(request, status, error.code, (error.message, error.hint), headers)
        # Its sentence names paths and databases: that is for the log, not for the client.
        logger.error("could not serve a request", extra={"code": error.code, "reason": str(error), **_id(request)})
        return self._answer(request, status, error.code, (public_message(error), _see_log(request)), headers)

    def _known(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, KbError):
            raise error
        return self.known(request, error)

    def _invalid(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise error
        found = [{"field": _field(one["loc"]), "message": one["msg"]} for one in error.errors()[:20]]
        sentence = f"{found[0]['field']}: {found[0]['message']}." if found else "The request is not valid."
        said = (sentence, "See /openapi.json for what is taken.")
        return self._answer(request, 422, "invalid_request", said, {}, errors=found)

    def _http(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        code = _OF_HTTP.get(error.status_code, "usage")
        said = (f"{error.detail}.", "See /openapi.json.")
        return self._answer(request, error.status_code, code, said, dict(error.headers or {}))

    def _unknown(self, request: Request, error: Exception) -> Response:
        logger.error("an error of the program", extra={**_id(request), **described(error)})
        return self._answer(request, 500, "error", ("The service met an error of its own.", _see_log(request)), {})

    def _answer(
        self,
        request: Request,
        status: int,
        code: str,
        said: tuple[str, str],
        headers: Mapping[str, str],
        errors: Sequence[Mapping[str, str]] = (),
    ) -> Response:
        message, hint = said
        prefixes = [prefix for prefix in self._shapes if request.url.path.startswith(prefix)]
        if prefixes:
            body = self._shapes[max(prefixes, key=len)](status, code, message, hint)
            return JSONResponse(dict(body), status, headers)
        problem = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": message}
        problem |= {"code": code, "hint": hint, **_id(request), **({"errors": list(errors)} if errors else {})}
        return JSONResponse(problem, status, headers, media_type="application/problem+json")


class PlainTooLarge:
    """ASGI middleware: the library refuses too long a body in plain text; clients get an error like any other."""

    def __init__(self, app: ASGIApp, problems: Problems) -> None:
        self._app = app
        self._problems = problems

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and put that answer into its shape."""
        replaced = False

        async def send_shaped(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and _is_plain_too_large(message):
                replaced = True
                error = TooLarge("The body is longer than this route takes.", "See the API guide for the limits.")
                await self._problems.known(Request(scope), error)(scope, receive, send)
            elif not replaced:
                await send(message)

        await self._app(scope, receive, send_shaped if scope["type"] == "http" else send)


def _is_plain_too_large(message: Message) -> bool:
    kind = Headers(raw=message["headers"]).get("content-type", "")
    return message["status"] == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and kind.startswith("text/plain")


_GENERIC = {
    "storage": "The service's storage cannot be used now.",
    "storage_full": "The service has no space left.",
    "store_unavailable": "The service's vector store does not answer now.",
    "memory": "The service has not enough memory for this now.",
    "model_server": "The service's model server does not answer as it should.",
    "cluster": "The service's cluster does not do its work now.",
    "embedding_server": "The service's embedding server does not answer as it should.",
    "missing_extra": "The service lacks a package for this.",
    "model_not_found": "The service does not have the model for this.",
    "generation": "The language model could not answer.",
}


def openai_error(status: int, code: str, message: str, hint: str) -> Mapping[str, Any]:
    """Return an error as OpenAI's clients read it."""
    kinds = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
    kind = kinds.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": f"{message} {hint}".strip(), "type": kind, "param": None, "code": code}}


def chatchat_error(status: int, code: str, message: str, hint: str) -> Mapping[str, Any]:  # noqa: ARG001 - a Body
    """Return an error in Langchain-Chatchat's envelope; its code is the HTTP status, which is an error too."""
    return {"code": status, "msg": f"{message} {hint}".strip(), "data": None}


def public_message(error: KbError) -> str:
    """Return what a client may read of an error: nothing that names the service's paths or databases."""
    return (
        _GENERIC.get(error.code, "The service met an error of its own.") if error.code in _OURS_TO_MEND else str(error)
    )


def _seconds(error: KbError) -> int:
    return error.seconds if isinstance(error, TryLater) else _BUSY_SECONDS


def _field(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location if part != "body") or "body"


def _id(request: Request) -> dict[str, str]:
    return {"request_id": request.scope.get("request_id", "")}


def _see_log(request: Request) -> str:
    return f"The service's log has it under the request id {_id(request)['request_id']}."
