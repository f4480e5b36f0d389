"""`kb models …`: what language models there are, what they need, and other forms of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from kb_server.cli.session import JsonFlag, Session, print_json, session_of
from kb_server.core.answers import Quantization

if TYPE_CHECKING:
    from kb_server.llm.local_models import ModelReport

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The model's folder. 模型文件夹。")]
Target = Annotated[Path, typer.Argument(metavar="TARGET", help="What to write; must not exist. 输出，不能已存在。")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="Language models: check, convert, quantize, pull. 语言模型。")
    group.command("list", epilog="Example 例： kb models list")(list_models)
    group.command(epilog="Example 例： kb models check ./chatglm3-6b")(check)
    group.command(epilog="Example 例： kb models convert ./chatglm3-6b ./chatglm3.gguf --to q4_0")(convert)
    group.command(epilog="Example 例： kb models quantize ./chatglm3-6b ./chatglm3-nf4 --to nf4")(quantize)
    group.command(epilog="Example 例： kb models pull zai-org/chatglm3-6b ./chatglm3-6b")(pull)
    app.add_typer(group, name="models")


def list_models(context: typer.Context, as_json: JsonFlag = False) -> None:
    """Show the bundled model, the one that is set, and those in the hub's cache. 列出本机可用的模型。"""
    from kb_server.llm.local_models import local_models

    session = session_of(context)
    chosen = session.settings.generation.model
    found = local_models()
    if as_json:
        print_json({"chosen": chosen, "models": [{"name": model.name, "path": str(model.path)} for model in found]})
        return
    table = Table(box=None, show_header=False, padding=(0, 1))
    for model in found:
        mark = "[green]●[/]" if model.name == chosen else " "
        table.add_row(mark, f"[bold]{escape(model.name)}[/]", f"[dim]{escape(str(model.path))}[/]")
    session.console.print(table)
    session.console.print(session.say(f"In use: {chosen}", f"当前使用：{chosen}"), markup=False)


def check(context: typer.Context, folder: Folder, as_json: JsonFlag = False) -> None:
    """Say what a model is, what memory it needs, and what its prompts look like. 检查模型：类型、所需内存、提示词。"""
    from kb_server.llm.local_models import describe
    from kb_server.runtime.model_files import find_model_folder

    session = session_of(context)
    report = describe(find_model_folder(str(folder)))
    if as_json:
        print_json(_report_json(report))
    else:
        _show(session, report)


def convert(
    context: typer.Context,
    folder: Folder,
    target: Target,
    to: Annotated[str, typer.Option(help="native, f16, q8_0 or q4_0 (the last three are GGUF). 目标格式。")] = "native",
    as_json: JsonFlag = False,
) -> None:
    """Write a ChatGLM folder as a native Glm folder or as a GGUF file. 把 ChatGLM 转换为原生格式或 GGUF。"""
    from kb_server.llm.weights.gguf import convert as run

    session = session_of(context)
    run(folder.expanduser(), target.expanduser(), to)
    _done(session, target, as_json)


def quantize(
    context: typer.Context,
    folder: Folder,
    target: Target,
    to: Annotated[Quantization, typer.Option(help="nf4, int4 or int8. 量化方式。")] = Quantization.NF4,
    as_json: JsonFlag = False,
) -> None:
    """Write a model in 4 or 8 bits; it loads in seconds and gives the same tokens. 保存量化后的模型。"""
    from kb_server.llm.weights.saving import save_quantized
    from kb_server.llm.weights.skeleton import ModelFiles

    session = session_of(context)
    save_quantized(ModelFiles(folder.expanduser()), to, target.expanduser())
    _done(session, target, as_json)


def pull(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="owner/model on the hub. 模型名称。")],
    target: Annotated[Path | None, typer.Argument(metavar="[TARGET]", help="Folder; default: the cache.")] = None,
    source: Annotated[str, typer.Option("--from", help="huggingface or modelscope. 下载源。")] = "huggingface",
    as_json: JsonFlag = False,
) -> None:
    """Download a model; a broken download goes on. HF_ENDPOINT and HF_HUB_OFFLINE are heeded. 下载模型，可续传。"""
    from kb_server.llm.local_models import pull as run

    session = session_of(context)
    _done(session, run(name, target, source), as_json)


def _report_json(report: "ModelReport") -> dict[str, Any]:
    return {
        "name": report.name,
        "kind": report.kind,
        "stored": report.stored,
        "parameters": report.parameters,
        "file_bytes": report.file_bytes,
        "free_bytes": report.free,
        "memory": {str(scheme): {"bytes": size, "fits": report.fits(scheme)} for scheme, size in report.memory.items()},
        "prompt": report.prompt,
        "prompt_ids": list(report.prompt_ids),
        "problems": list(report.problems),
    }


def _show(session: Session, report: "ModelReport") -> None:
    from kb_server.llm.weights.memory import gib

    say, console = session.say, session.console
    console.print(
        f"[bold]{escape(report.name)}[/]  {escape(report.kind)} · {report.parameters / 1e9:.2f} B · {report.stored}"
    )
    table = Table(box=None, show_header=False, padding=(0, 1))
    for scheme, size in report.memory.items():
        fits = (
            say("[green]fits[/]", "[green]够用[/]") if report.fits(scheme) else say("[red]too big[/]", "[red]不够[/]")
        )
        table.add_row(str(scheme), gib(size), fits)
    console.print(table)
    console.print(say(f"Free memory: {gib(report.free)}", f"可用内存：{gib(report.free)}"))
    if report.prompt_ids:
        console.print(say("Prompt of 你好:", "“你好”的提示词："), escape(repr(report.prompt)), list(report.prompt_ids))
    for problem in report.problems:
        console.print(f"[yellow]! {escape(problem)}[/]")


def _done(session: Session, path: Path, as_json: bool) -> None:
    if as_json:
        print_json({"path": str(path)})
    else:
        session.console.print(session.say(f"Written: {path}", f"已写入：{path}"), markup=False)
