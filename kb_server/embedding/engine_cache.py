"""Where it is kept which engine a model has on this machine, with the converted model."""

import json
import logging
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from kb_server.embedding.openvino_engine import Converted, runtime

logger = logging.getLogger(__name__)

_CHOICE, _NETWORK, _TOKENIZER = "choice.json", "model.xml", "tokenizer.json"


@dataclass(frozen=True, slots=True)
class Choice:
    """What was found out: without `precision` PyTorch computes, for `reason`.

    `cosine` is the lowest with PyTorch's vectors, `gain` PyTorch's processor time over the engine's; `inputs` and
    `padding` belong to the converted model.
    """

    precision: str = ""
    reason: str = ""
    cosine: float = 1.0
    gain: float = 1.0
    inputs: tuple[str, ...] = ()
    padding: int = 0


class EngineCache:
    """One folder for one model on one machine; without a folder nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def read(self) -> tuple[Choice, Converted | None] | None:
        """Return what `write` kept; None if nothing was, or it is damaged, which is logged."""
        if self._folder is None or not (self._folder / _CHOICE).is_file():
            return None
        try:
            values = json.loads((self._folder / _CHOICE).read_text("utf-8"))
            choice = Choice(**{**values, "inputs": tuple(values["inputs"])})
            return choice, self._converted(self._folder, choice) if choice.precision else None
        except (RuntimeError, OSError, ValueError, TypeError, KeyError) as error:
            logger.warning("The converted model in '%s' is damaged and is made again: %s", self._folder, error)
            return None

    def write(self, choice: Choice, converted: Converted | None) -> None:
        """Keep a choice and its model, whole or not at all; where that cannot be done it is logged."""
        if self._folder is None:
            return
        try:
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._folder.parent) as temporary:
                made = Path(temporary) / "made"
                made.mkdir()
                (made / _CHOICE).write_text(json.dumps(asdict(choice)), "utf-8")
                if converted:
                    runtime().save_model(converted.network, str(made / _NETWORK), compress_to_fp16=False)
                    converted.tokenizer.save(str(made / _TOKENIZER))
                shutil.rmtree(self._folder, ignore_errors=True)
                made.replace(self._folder)
        except (OSError, RuntimeError) as error:  # RuntimeError is what OpenVINO makes of a full disk
            logger.warning(
                "The converted model cannot be kept in '%s': each start makes it anew (%s).", self._folder, error
            )

    @staticmethod
    def _converted(folder: Path, choice: Choice) -> Converted:
        from tokenizers import Tokenizer

        network = runtime().Core().read_model(str(folder / _NETWORK))
        tokenizer = Tokenizer.from_str((folder / _TOKENIZER).read_text("utf-8"))
        return Converted(network, tokenizer, choice.inputs, choice.padding)
