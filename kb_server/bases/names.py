"""What a knowledge base may be called and described as."""

import re

from kb_server.core.errors import InvalidName, UsageError

_NAME = re.compile(r"[^\W_][\w .-]{0,62}[^\W_]|[^\W_]")  # any script's letters and digits; - _ . and spaces inside
LONGEST_DESCRIPTION = 10_000  # characters


def check_name(name: str) -> None:
    """Raise InvalidName unless the name is fit for a knowledge base."""
    if not _NAME.fullmatch(name) or ".." in name:
        shown = name if len(name) <= 80 else f"{name[:60]}… ({len(name)} characters)"
        raise InvalidName(
            f"{shown!r} cannot be the name of a knowledge base.",
            "Use 1 to 64 letters, digits, spaces and - _ . between them (any language).",
        )


def checked_description(text: str) -> str:
    """Return a text as a catalog can keep it; raises UsageError if it is too long to be a description."""
    if len(text) > LONGEST_DESCRIPTION:
        raise UsageError(
            f"A description has at most {LONGEST_DESCRIPTION} characters, not {len(text)}.", "Say it in fewer words."
        )
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "").strip()
