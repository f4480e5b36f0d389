"""Text of pictures, read by RapidOCR with the models that lie in its own package."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image

from kb_server.core.errors import MissingExtra
from loaders.pictures.reading_order import Box, in_reading_order

if TYPE_CHECKING:
    from rapidocr import RapidOCR

_MODELS = {
    "Det.model_path": "PP-OCRv6_det_small.onnx",
    "Cls.model_path": "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
    "Rec.model_path": "PP-OCRv6_rec_small.onnx",
}
_INSTALL = "pip install 'kb-server[ocr]'"


class OcrLine(NamedTuple):
    """A line, or the part of one that a column or a wide gap separates; `box` in pixels, `score` in 0..1."""

    text: str
    box: Box
    score: float


def read_lines(image: Image.Image) -> list[OcrLine]:
    """Return the lines of a picture in reading order, columns one after the other; none where there is no text.

    Raises MissingExtra. Nothing is downloaded. The engine is made at first use and kept.
    """
    found: Any = _engine()(np.asarray(image.convert("RGB"))[:, :, ::-1])  # it expects OpenCV's order of colours
    if not getattr(found, "txts", None):  # its class depends on what was found
        return []
    boxes = [_upright(corners) for corners in found.boxes]
    lines = [OcrLine(*line) for line in zip(found.txts, boxes, map(float, found.scores), strict=True)]
    return in_reading_order([line for line in lines if line.text.strip()], box=lambda line: line.box)


def check_installed() -> None:
    """Raise MissingExtra unless pictures can be read."""
    try:
        import rapidocr  # noqa: F401
    except ModuleNotFoundError as error:
        message = "Reading text from pictures needs the package rapidocr."
        raise MissingExtra(message, _INSTALL) from error


@cache
def _engine() -> "RapidOCR":
    """Make the engine; with the files given by path it looks for none, and says nothing but by an exception."""
    check_installed()
    import rapidocr

    folder = Path(rapidocr.__file__).parent / "models"
    paths = {option: str(folder / file) for option, file in _MODELS.items()}
    if missing := [path for path in paths.values() if not Path(path).is_file()]:
        raise MissingExtra(f"The package rapidocr has no model '{missing[0]}'.", _INSTALL)
    return rapidocr.RapidOCR(params={"Global.log_level": "critical", **paths})


def _upright(corners: "np.typing.NDArray[np.float32]") -> Box:
    left, top = corners.min(axis=0)
    right, bottom = corners.max(axis=0)
    return Box(float(left), float(top), float(right), float(bottom))
