"""`kb ui`: the page in the browser."""

from typing import Annotated

import typer

from kb_server.cli.page_process import PageProcess, service_url
from kb_server.cli.serve import show_page
from kb_server.cli.session import session_of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example 例： kb ui   ·   kb ui --service https://kb.example.org")(ui)


def ui(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on. 监听地址。")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port. 端口。")] = None,
    service: Annotated[str | None, typer.Option(help="Address of the service. 服务地址。")] = None,
) -> None:
    """Show the page in a browser: chat, documents, evaluation. 启动浏览器页面。

    It talks to a running service (`kb serve`) and needs one of its API keys to sign in. `kb serve --page` starts both.
    """
    session = session_of(context)
    given = {"host": host, "port": port, "service": service}
    changed = session.settings.page.model_copy(update={key: value for key, value in given.items() if value is not None})
    settings = session.settings.model_copy(update={"page": changed})
    with PageProcess(settings, service_url(settings)) as page:
        show_page(session, page)
        status = page.wait()
    if status:
        raise typer.Exit(1)
