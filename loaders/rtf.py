"""Rich Text Format."""

import re
from pathlib import Path

from kb_server.domain import Document
from loaders.pandoc import pandoc_document
from loaders.source import read_bytes

_CODE_PAGE = re.compile(rb"\\ansicpg(\d+)")
_ESCAPED = re.compile(rb"(\\u-?\d+ ?)(?:\\'[0-9a-fA-F]{2})+|((?:\\'[0-9a-fA-F]{2})+)")
_CODECS = {b"932": "cp932", b"936": "gb18030", b"949": "cp949", b"950": "big5hkscs"} | {
    str(page).encode(): f"cp{page}" for page in (874, 1250, 1251, 1253, 1254, 1255, 1256, 1257, 1258)
}


class RtfLoader:
    """Reads RTF: headings, lists, tables. Text in the code page of a country is made Unicode first."""

    def load(self, path: Path, name: str) -> Document:
        """See `Loader.load`."""
        return pandoc_document(as_unicode(read_bytes(path, name)), "rtf", name)


def as_unicode(data: bytes) -> bytes:
    r"""Write `\'xx` of a declared code page as `\uN`, for pandoc knows the Western one only.

    A run that follows a `\uN` is what programs without Unicode show in its place, and stays.
    """
    declared = _CODE_PAGE.search(data[:4096])
    codec = _CODECS.get(declared[1]) if declared else None
    if codec is None:
        return data

    def replaced(found: re.Match[bytes]) -> bytes:
        if found[1]:
            return found[0]
        raw = bytes.fromhex(found[2].decode().replace("\\'", ""))
        text = raw.decode(codec, "replace")
        units = text.encode("utf-16-le", "replace")
        codes = (int.from_bytes(units[at : at + 2], "little", signed=True) for at in range(0, len(units), 2))
        return b"{\\uc0" + b"".join(b"\\u%d " % code for code in codes) + b"}"

    return _ESCAPED.sub(replaced, data)
