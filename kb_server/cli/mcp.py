"""`kb mcp`: the MCP server."""

from typing import Annotated

import typer

from kb_server.cli.serve import show_first_key
from kb_server.cli.session import session_of
from kb_server.core.errors import MissingExtra


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example 例： kb mcp   ·   kb mcp --http --port 7862")(mcp)


def mcp(
    context: typer.Context,
    http: Annotated[bool, typer.Option("--http", help="Over HTTP instead of standard input. 使用 HTTP。")] = False,
    host: Annotated[str | None, typer.Option(help="Address to listen on. 监听地址。")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port. 端口。")] = 7862,
) -> None:
    """Let MCP clients list, search and ask. 供 MCP 客户端列出、检索、提问。

    Over standard input it is for the user of this machine and needs no key; over HTTP each request needs one.
    """
    try:
        from kb_server.api.mcp import make_server
        from kb_server.api.server import serve_mcp
        from kb_server.api.service import make_service
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"The MCP server needs the package '{error.name}'.", "Run: pip install 'kb-server[serve,mcp]'"
        ) from error
    from kb_server.runtime.logs import log_json_lines

    session = session_of(context)
    log_json_lines()
    if http:
        show_first_key(session)
        serve_mcp(session.app, host or session.settings.service.host, port)
        return
    service = make_service(session.app)
    try:
        make_server(service, guarded=False).run("stdio")
    finally:
        service.close()
