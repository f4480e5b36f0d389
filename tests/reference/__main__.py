"""Write the pages: `python -m tests.reference`, which `make reference` runs."""

import sys

from tests.reference.pages import FOLDER, pages


def main() -> None:
    """Write every page that differs, and say which."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        path = FOLDER / name
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            sys.stdout.write(f"{path.relative_to(FOLDER.parents[1])}\n")


main()
