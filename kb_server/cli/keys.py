"""`kb keys`: who may use the service."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from kb_server.access.keys import Scope
from kb_server.catalog.keys import ApiKey
from kb_server.cli.session import JsonFlag, Session, print_json, session_of


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="API keys of the service. 服务的 API 密钥。")
    group.command(epilog="Example 例： kb keys create 'web page' --scope read --base handbook")(create)
    group.command("list")(list_keys)
    group.command()(revoke)
    app.add_typer(group, name="keys")


def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the key is for. 密钥用途。")],
    scope: Annotated[Scope, typer.Option(help="What it may do. 权限。")] = Scope.READ,
    bases: Annotated[
        list[str] | None, typer.Option("--base", help="Only this knowledge base; may be repeated. 只限此知识库。")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a key and show it, this once. 新建密钥（仅显示一次）。"""
    session = session_of(context)
    key = session.app.access.create(name, scope, bases or None)
    if as_json:
        print_json({"key": key, "id": key.split("_")[1], "name": name, "scope": scope, "bases": bases or None})
        return
    session.console.print(session.say("Shown only now:", "仅显示这一次："), key, soft_wrap=True)


def list_keys(context: typer.Context, as_json: JsonFlag = False) -> None:
    """Show the keys, without their secrets. 列出密钥。"""
    session = session_of(context)
    names = {base.id: base.name for base in session.app.bases.all()}
    rows = [_row(key, names) for key in session.app.access.all()]
    if as_json:
        print_json({"keys": rows})
    else:
        session.console.print(_table(session, rows))


def _row(key: ApiKey, names: Mapping[str, str]) -> dict[str, Any]:
    """Return a key as JSON has it; `names` has the names of the bases by their ids."""
    return {
        "id": key.id,
        "name": key.name,
        "scope": key.scope,
        "bases": None if key.base_ids is None else [names.get(id_, f"({id_})") for id_ in key.base_ids],
        "created": key.created.isoformat(timespec="seconds"),
        "revoked": key.revoked.isoformat(timespec="seconds") if key.revoked else None,
    }


def _table(session: Session, rows: Sequence[Mapping[str, Any]]) -> Table:
    say = session.say
    headings = (say("Id", "编号"), say("Name", "名称"), say("Scope", "权限"), say("Bases", "知识库"))
    table = Table(*headings, say("Revoked", "已吊销"))
    for row in rows:
        bases = say("all", "全部") if row["bases"] is None else ", ".join(row["bases"])
        table.add_row(row["id"], escape(row["name"]), row["scope"], escape(bases), row["revoked"] or "")
    return table


def revoke(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As kb keys list shows it. 密钥编号。")],
    as_json: JsonFlag = False,
) -> None:
    """Make a key invalid from now on. 吊销密钥。"""
    session = session_of(context)
    session.app.access.revoke(key_id)
    session.tell({"revoked": key_id}, session.say("Revoked", "已吊销"), key_id, as_json=as_json)
