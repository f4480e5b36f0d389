"""A small MCP server over standard input: one tool that writes into the file it was started with, one that fails."""

import sys
from pathlib import Path

from mcp.server import MCPServer

server: MCPServer = MCPServer("echo")


@server.tool()
def note(text: str) -> str:
    """Note a text."""
    with Path(sys.argv[1]).open("a", encoding="utf-8") as file:
        file.write(text + "\n")
    return f"Noted: {text}"


@server.tool()
def fail() -> str:
    """Fail."""
    raise ValueError("as asked")


if __name__ == "__main__":
    server.run("stdio")
