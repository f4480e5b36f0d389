"""Writes small PDF files by hand."""

from collections.abc import Sequence
from contextlib import closing
from hashlib import md5
from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium

Placed = tuple[int, int, int, str]
"""Font size, x, y, text."""


Segment = tuple[float, float, float, float]
"""x0, y0, x1, y1 of a drawn line."""


def write_pdf(
    path: Path,
    pages: list[list[Placed]],
    trailer: str = "",
    drawn: Sequence[Sequence[Segment]] = (),
    password: str = "",
    font: str = "",
    more: str = "",
) -> None:
    """Write a PDF with Helvetica text at the places given, and the lines `drawn` on each page.

    `font` is more of the font's dictionary, `more` is more of each page's content.
    """
    lock = _Lock(password) if password else None
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "",
        f"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica {font} >>",
    ]
    kids: list[str] = []
    for number, lines in enumerate(pages):
        stream = "\n".join(f"BT /F1 {size} Tf {x} {y} Td ({text}) Tj ET" for size, x, y, text in lines)
        for x0, y0, x1, y1 in drawn[number] if number < len(drawn) else ():
            stream += f"\n{x0} {y0} m {x1} {y1} l S"
        stream += f"\n{more}" if more else ""
        kids.append(f"{len(objects) + 1} 0 R")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {len(objects) + 2} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>"
        )
        if lock:
            stream = lock.encrypted(stream, len(objects) + 1)
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    body = "%PDF-1.4\n"
    offsets: list[int] = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    body += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    start = body.index("xref\n")
    trailer += lock.entry if lock else ""
    end = f"trailer << /Size {len(objects) + 1} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n"
    path.write_bytes(f"{body}{end}".encode("latin-1"))


class _Lock:
    """The standard encryption of PDF 1.1, 40-bit RC4 (ISO 32000-1, 7.6.2 to 7.6.3): weak, but asks for a password."""

    _PADDING = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")

    def __init__(self, password: str) -> None:
        padded = (password.encode() + self._PADDING)[:32]
        owner = _rc4(md5(padded, usedforsecurity=False).digest()[:5], padded)
        made_of = padded + owner + (-4 & 0xFFFFFFFF).to_bytes(4, "little") + b"id"
        self._key = md5(made_of, usedforsecurity=False).digest()[:5]
        user = _rc4(self._key, self._PADDING)
        self.entry = (
            f"/Encrypt << /Filter /Standard /V 1 /R 2 /O <{owner.hex()}> /U <{user.hex()}> /P -4 >>"
            f" /ID [<{b'id'.hex()}> <{b'id'.hex()}>]"
        )

    def encrypted(self, stream: str, number: int) -> str:
        """Return the stream of an object as Latin-1 text."""
        key = md5(self._key + number.to_bytes(3, "little") + bytes(2), usedforsecurity=False).digest()[:10]
        return _rc4(key, stream.encode("latin-1")).decode("latin-1")


def _rc4(key: bytes, data: bytes) -> bytes:
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    made, i, j = bytearray(), 0, 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        made.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(made)


def turn_pages(source: Path, target: Path, turn: int) -> None:
    """Write the file again with its pages marked as turned by 90, 180 or 270 degrees, looking the same."""
    with closing(pypdfium2.PdfDocument(source)) as document:
        for page in document:
            width, height = page.get_size()
            matrix = {90: (0, 1, -1, 0, height, 0), 180: (-1, 0, 0, -1, width, height), 270: (0, -1, 1, 0, 0, width)}[
                turn
            ]
            assert pdfium.FPDFPage_TransFormWithClip(page, pdfium.FS_MATRIX(*matrix), None)
            page.set_mediabox(0, 0, *((width, height) if turn == 180 else (height, width)))
            page.set_rotation(turn)
            page.close()
        document.save(target)
