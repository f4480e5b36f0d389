"""Subtitles (SubRip)."""

import re
from pathlib import Path

from kb_server.core.domain import Document
from kb_server.core.errors import LoadError
from kb_server.text.characters import squeeze, unwrap
from loaders.builder import DocumentBuilder
from loaders.plain.text import read_text

_CUE = re.compile(r"^(\d{1,3}:\d\d:\d\d)[,.]\d+[^\S\n]*-->.*\n((?:[^\S\n]*\S.*(?:\n|\Z))*)", re.MULTILINE)
_TAG = re.compile(r"</?\w[^>]*>|\{\\[^}]*\}")


class SubtitleLoader:
    """Reads each cue as a line that begins with the time it appears, `00:01:02 text`."""

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        cues = _CUE.findall(read_text(path, name))
        if not cues:
            raise LoadError(f"'{name}' holds no subtitles.", "Each needs a line like 00:00:01,000 --> 00:00:04,000.")
        spoken = ((time, squeeze(unwrap(_TAG.sub("", text)))) for time, text in cues)
        builder = DocumentBuilder(name)
        builder.items(f"{time} {text}" for time, text in spoken if text)
        return builder.build()
