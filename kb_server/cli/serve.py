"""`kb serve`: the service over HTTP."""

from contextlib import ExitStack
from threading import Thread
from typing import Annotated

import typer

from kb_server.cli.page_process import PageProcess, service_url
from kb_server.cli.session import Session, session_of
from kb_server.config.settings import Settings
from kb_server.core.errors import MissingExtra


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example 例： kb serve --port 8000")(serve)


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on. 监听地址。")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port; 0: any that is free. 端口。")] = None,
    page: Annotated[
        bool, typer.Option("--page", help="The page in the browser too, see kb ui. 同时启动浏览器页面。")
    ] = False,
) -> None:
    """Answer over HTTP: upload, search, chat. 启动 HTTP 服务。

    Only this machine can reach it unless --host says otherwise. The first start makes a key and shows it once; more are
    made with: kb keys create. Logs go to standard error as JSON lines.
    """
    try:
        from kb_server.api.server import serve as run
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"Serving needs the package '{error.name}'.", "Run: pip install 'kb-server[serve]'"
        ) from error
    from kb_server.runtime.logs import log_json_lines

    session = session_of(context)
    session.settings = _listening_on(host, port, session.settings)
    log_json_lines()
    show_first_key(session)
    options = session.settings.service
    say = session.say

    with ExitStack() as beside:

        def ready(actual: int) -> None:
            shown = f"[{options.host}]" if ":" in options.host else options.host
            session.console.print(say("Serving", "服务地址"), f"http://{shown}:{actual}", soft_wrap=True)
            if page:
                shown_page = beside.enter_context(PageProcess(session.settings, service_url(session.settings, actual)))
                # This runs in the service's event loop, which must not wait for it.
                Thread(target=show_page, args=(session, shown_page), daemon=True).start()

        run(session.app, ready)


def _listening_on(host: str | None, port: int | None, settings: Settings) -> Settings:
    """Return the settings with the address that the options name; None leaves what is set."""
    given = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    return settings.model_copy(update={"service": settings.service.model_copy(update=given)})


def show_page(session: Session, page: PageProcess) -> None:
    """Say where the page is as soon as it can be reached. What keeps it from starting it says itself."""
    if page.listens():
        session.console.print(session.say("Page", "页面地址"), page.url, soft_wrap=True)


def show_first_key(session: Session) -> None:
    """Make the administrator's key if there has never been any, and show it: nobody can show it again."""
    if not session.settings.service.auth:
        return
    key = session.app.access.create_first()
    if key:
        session.console.print(
            session.say("The first key, shown only now:", "首个密钥，仅显示这一次："), key, soft_wrap=True
        )
