"""Server-sent events."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from kb_server.api.errors import public_message
from kb_server.core.errors import KbError
from kb_server.runtime.logs import described

logger = logging.getLogger(__name__)

_IDLE_SECONDS = 15.0


def event(data: Mapping[str, Any] | str, name: str | None = None) -> bytes:
    """Return one event; a mapping goes as JSON."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return format_sse_event(data_str=text, event=name)


def stream(events: AsyncIterator[bytes]) -> StreamingResponse:
    """Send events as they come; a silent stream gets a comment now and then, so that nothing between cuts it off."""
    return StreamingResponse(_kept_alive(events), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


def failure(error: BaseException) -> dict[str, Any]:
    """Return what a client is told when a stream that has begun cannot go on."""
    if isinstance(error, KbError):
        logger.warning("a stream broke off", extra={"code": error.code})
        return {"code": error.code, "message": public_message(error), "hint": ""}
    logger.error("a stream broke off", extra=described(error))
    return {"code": "error", "message": "The service met an error of its own.", "hint": "Its log has it."}


async def _kept_alive(events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    iterator = aiter(events)
    coming = asyncio.ensure_future(anext(iterator))
    try:
        while True:
            done, _ = await asyncio.wait({coming}, timeout=_IDLE_SECONDS)
            if not done:
                yield KEEPALIVE_COMMENT
                continue
            try:
                yield coming.result()
            except StopAsyncIteration:
                return
            coming = asyncio.ensure_future(anext(iterator))
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
        await _close(iterator)


async def _close(iterator: AsyncIterator[bytes]) -> None:
    close = getattr(iterator, "aclose", None)
    if close is not None:
        await close()
