"""Jupyter notebooks."""

from pathlib import Path
from typing import Any

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from loaders.builder import DocumentBuilder
from loaders.data.json import parse_json, too_deep
from loaders.plain.markdown import add_markdown
from loaders.plain.text import read_text

_LONGEST_OUTPUT = 20_000


class NotebookLoader:
    """Reads text cells as Markdown, code cells as code, and of their results what is text."""

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        builder = DocumentBuilder(name)
        try:
            notebook = parse_json(read_text(path, name), name)
        except RecursionError as error:
            raise too_deep(name) from error
        for cell in _cells(notebook, name):
            _add(builder, cell)
        return builder.build()


def _cells(notebook: Any, name: str) -> list[dict[str, Any]]:  # noqa: ANN401  (JSON is anything)
    """Return the cells, also those of notebooks before version 4."""
    found = notebook if isinstance(notebook, dict) else {}
    cells = [cell for sheet in _objects(found.get("worksheets") or [found]) for cell in sheet.get("cells") or []]
    if not cells:
        raise LoadError(f"'{name}' is a notebook without cells.")
    return _objects(cells)


def _objects(values: list[Any]) -> list[dict[str, Any]]:
    return [value for value in values if isinstance(value, dict)]


def _add(builder: DocumentBuilder, cell: dict[str, Any]) -> None:
    source = _joined(cell.get("source") or cell.get("input"))
    match cell.get("cell_type"):
        case "markdown":
            add_markdown(builder, source)
        case "heading":
            level = str(cell.get("level"))
            builder.heading(int(level) if level.isdecimal() else 1, source)
        case "code":
            for code in (source, *_results(cell)):
                builder.code(code)
        case _:
            builder.lines(source)


def _results(cell: dict[str, Any]) -> list[str]:
    return [_result(output)[:_LONGEST_OUTPUT] for output in cell.get("outputs") or []]


def _result(output: Any) -> str:  # noqa: ANN401  (JSON is anything)
    if not isinstance(output, dict):
        return ""
    data = output.get("data")
    plain = data.get("text/plain") if isinstance(data, dict) else None
    return _joined(output.get("text") or plain or output.get("evalue"))


def _joined(text: Any) -> str:  # noqa: ANN401  (JSON is anything)
    return "".join(map(str, text)) if isinstance(text, list) else str(text or "")
