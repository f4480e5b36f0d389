"""Writes small PDF files by hand."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium

Placed = tuple[int, int, int, str]
"""Font size, x, y, text."""


Segment = tuple[float, float, float, float]
"""x0, y0, x1, y1 of a drawn line."""


def write_pdf(
    path: Path, pages: list[list[Placed]], trailer: str = "", drawn: Sequence[Sequence[Segment]] = ()
) -> None:
    """Write a PDF with Helvetica text at the places given, and the lines `drawn` on each page."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", "", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids: list[str] = []
    for number, lines in enumerate(pages):
        stream = "\n".join(f"BT /F1 {size} Tf {x} {y} Td ({text}) Tj ET" for size, x, y, text in lines)
        for x0, y0, x1, y1 in drawn[number] if number < len(drawn) else ():
            stream += f"\n{x0} {y0} m {x1} {y1} l S"
        kids.append(f"{len(objects) + 1} 0 R")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {len(objects) + 2} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>"
        )
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
    path.write_text(f"{body}trailer << /Size {len(objects) + 1} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n")


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
