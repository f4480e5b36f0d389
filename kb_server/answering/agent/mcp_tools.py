"""Tools of MCP servers that an administrator has listed in the settings; nothing else is ever started or called."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from kb_server.answering.agent.tools import Tool
from kb_server.core.errors import GenerationFailed, MissingExtra
from kb_server.runtime.logs import described

if TYPE_CHECKING:
    from mcp.client.client import Client
    from mcp.types import CallToolResult

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class McpServer:
    """An MCP server as the settings list it: a `command` that talks over its standard input, or a `url`.

    `tools` are those of it that may be used (empty: all); `seconds` is what one call may take. Unless `after_documents`
    is set they cannot be used once text of documents was read.
    """

    name: str
    command: Sequence[str] = ()
    url: str | None = None
    tools: Sequence[str] = ()
    after_documents: bool = False
    seconds: float = 30.0


def mcp_tools(server: McpServer) -> list[Tool]:
    """Return the tools of a server under `server_tool`; raises GenerationFailed if it does not answer."""

    async def listed(client: "Client") -> list[Any]:
        return list((await client.list_tools()).tools)

    found = [tool for tool in _with_client(server, listed) if not server.tools or tool.name in server.tools]
    return [_tool(server, tool.name, tool.description or "", tool.input_schema) for tool in found]


def _tool(server: McpServer, name: str, description: str, schema: Mapping[str, Any]) -> Tool:
    def run(given: Mapping[str, Any]) -> str:
        async def called(client: "Client") -> "CallToolResult":
            return await client.call_tool(name, dict(given))

        return _text(_with_client(server, called))

    return Tool(f"{server.name}_{name}", description, schema, run, outside=not server.after_documents)


def _text(result: "CallToolResult") -> str:
    texts = [part.text for part in result.content if part.type == "text"]
    return ("Error: " if result.is_error else "") + "\n".join(texts)


def _failures() -> tuple[type[Exception], ...]:
    """Return what a server can make the client raise: it is not there, hangs, dies, or breaks the protocol."""
    import anyio
    import httpx2
    from mcp import MCPError
    from pydantic import ValidationError

    streams = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream)
    # RuntimeError is how the client says that a result does not fit its schema or the protocol's version.
    return (MCPError, OSError, httpx2.HTTPError, ValidationError, RuntimeError, *streams)


def _with_client(server: McpServer, use: Callable[["Client"], Coroutine[Any, Any, T]]) -> T:
    """Connect, use and disconnect. A connection a call: a server that hangs or dies spoils nothing for the next.

    Raises GenerationFailed for what the server does; a fault of this program comes through as it is.
    """
    try:
        from mcp import StdioServerParameters
        from mcp.client.client import Client

        failures = _failures()
    except ImportError as error:
        raise MissingExtra("Tools of MCP servers need a package.", "Run: pip install 'kb-server[mcp]'") from error
    target: StdioServerParameters | str = server.url or ""
    if server.command:
        target = StdioServerParameters(command=server.command[0], args=list(server.command[1:]))

    async def used() -> T:
        async with asyncio.timeout(server.seconds), Client(target) as client:
            return await use(client)

    caught: tuple[type[Exception], ...] = (ExceptionGroup, *failures)
    try:
        return asyncio.run(used())
    except caught as error:
        if isinstance(error, ExceptionGroup) and error.split(failures)[1]:
            raise
        logger.error("an MCP server failed", extra={"server": server.name, **described(error)})
        raise GenerationFailed(
            f"The tool server '{server.name}' does not answer as it should.", "See the log."
        ) from error
