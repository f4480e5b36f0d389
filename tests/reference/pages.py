"""Which pages there are, and how a page of tables is put together."""

from collections.abc import Iterable, Sequence

from tests.paths import ROOT

FOLDER = ROOT / "docs" / "reference"
COMMAND = "make reference"
_MADE = f"<!-- Made from the code by `{COMMAND}`; a test compares them. Change the code, not this page. -->\n"


def pages() -> dict[str, str]:
    """Return the text of each page, by the name of its file."""
    from tests.reference.cli import cli_page
    from tests.reference.http import http_page
    from tests.reference.settings import settings_page

    return {"cli.md": _MADE + cli_page(), "settings.md": _MADE + settings_page(), "http.md": _MADE + http_page()}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; nothing if there are no rows."""
    lines = [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"| {' | '.join(head)} |", "|" + "---|" * len(head), *lines]) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
