"""Choosing what computes a model's vectors, by measurement (docs/decisions/embedding-engine.md).

The first time a model is used on a machine it is converted for OpenVINO and compared with PyTorch on sample texts: its
vectors must be the same to a cosine of .9999, and it must take less processor time. Model and result are kept, under a
name that changes with the weights, OpenVINO and the processor; from then on PyTorch is not even imported. Whatever
cannot be converted, differs or is slower is computed by PyTorch, which is said when it is found out.
"""

import json
import logging
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from time import process_time
from typing import Protocol

from kb_server.core.answers import EngineKind
from kb_server.core.ports import Vectors
from kb_server.embedding.model_folder import revision_of
from kb_server.embedding.openvino_engine import Converted, NotConvertible, OpenVinoEngine, convert, runtime
from kb_server.embedding.torch_engine import TorchEngine
from kb_server.runtime.processors import cores


class Engine(Protocol):
    """Computes vectors; threads may share one."""

    @property
    def description(self) -> str:
        """The program and its number format, such as `openvino bf16`."""
        ...

    def encode(self, texts: Sequence[str], prompt: str) -> Vectors:
        """Return float32 [n, dimension], unit length, of at least one text; `prompt` stands before each."""
        ...


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
                "The converted model cannot be kept in '%s': each start makes it again (%s).", self._folder, error
            )

    @staticmethod
    def _converted(folder: Path, choice: Choice) -> Converted:
        from tokenizers import Tokenizer

        network = runtime().Core().read_model(str(folder / _NETWORK))
        tokenizer = Tokenizer.from_str((folder / _TOKENIZER).read_text("utf-8"))
        return Converted(network, tokenizer, choice.inputs, choice.padding)


logger = logging.getLogger(__name__)

ALIKE = 0.9999  # lowest cosine with PyTorch's vector of the same text

_FORMAT = 1  # of what is kept

_SENTENCES = ("The committee published its report on Tuesday. ", "委员会星期二公布了调查报告。", "def f(x): return x\n")

SAMPLE = ["", *(_SENTENCES[n % 3] * (1 + 2 * n) for n in range(15))]


@dataclass(frozen=True, slots=True)
class EngineFolder:
    """A local model and how it is to run: `device` as torch calls it or `auto`; `cache` keeps conversions."""

    folder: Path
    batch_size: int = 32
    device: str = "auto"
    threads: int | None = None
    cache: Path | None = None

    def torch(self) -> TorchEngine:
        """Load the model on PyTorch."""
        return TorchEngine(self.folder, self.batch_size, self.device, self.threads)

    def openvino(self, converted: Converted, precision: str) -> OpenVinoEngine:
        """Compile a converted model."""
        return OpenVinoEngine(converted, precision, self.threads or cores(), self.batch_size)

    @property
    def on_cpu(self) -> bool:
        """Whether the model would run on a CPU, told without importing torch."""
        return self.device == "cpu" or (self.device == "auto" and not Path("/dev/nvidiactl").exists())


def choose_engine(kind: EngineKind, place: EngineFolder) -> Engine:
    """Return the engine for a model; raises ModelNotFound or MissingExtra where none can be made."""
    if kind is EngineKind.TORCH or not place.on_cpu:
        return place.torch()
    if kind is EngineKind.AUTO and find_spec("openvino") is None:
        logger.info("PyTorch embeds; about three times faster on many CPUs is: pip install 'kb-server[openvino]'")
        return place.torch()
    cache = EngineCache(_cache_folder(place))
    kept = cache.read()
    if kept is None:
        return _find_out(place, cache)
    choice, converted = kept
    return place.openvino(converted, choice.precision) if converted else place.torch()


def _find_out(place: EngineFolder, cache: EngineCache) -> Engine:
    torch = place.torch()
    try:
        converted = convert(torch.model)
        choice, engine = _best(place, torch, converted)
    except NotConvertible as error:
        logger.warning("PyTorch embeds with '%s', not OpenVINO: %s.", place.folder.name, error)
        cache.write(Choice(reason=str(error)), None)
        return torch
    cache.write(choice, converted)
    return engine


def _best(place: EngineFolder, torch: TorchEngine, converted: Converted) -> tuple[Choice, Engine]:
    """Compare the number formats with PyTorch; raises NotConvertible if none is as good and faster."""
    expected, needed = _timed(torch)
    found: list[tuple[Choice, Engine]] = []
    nearest = 0.0
    for precision in _precisions():
        candidate = place.openvino(converted, precision)
        vectors, seconds = _timed(candidate)
        cosine = round(float((vectors * expected).sum(axis=1).min()), 6)
        nearest = max(nearest, cosine)
        gain = round(needed / max(seconds, 1e-3), 2)
        if cosine >= ALIKE:
            found.append((Choice(precision, "", cosine, gain, converted.inputs, converted.padding), candidate))
    if not found:
        raise NotConvertible(f"its vectors would differ (cosine {nearest:.4f})")
    choice, engine = max(found, key=lambda each: each[0].gain)
    if choice.gain < 1:
        raise NotConvertible(f"it would take {1 / choice.gain:.1f} times as long")
    logger.info("%s embeds with '%s' (%g times PyTorch).", engine.description, place.folder.name, choice.gain)
    return choice, engine


def _timed(engine: Engine) -> tuple[Vectors, float]:
    """Return the sample's vectors and the processor seconds they take, once warm."""
    vectors = engine.encode(SAMPLE, "")
    started = process_time()
    engine.encode(SAMPLE, "")
    return vectors, process_time() - started


def _precisions() -> list[str]:
    """Return the number formats this processor has instructions for."""
    able = runtime().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return [short for long, short in (("BF16", "bf16"), ("FP16", "f16"), ("FP32", "f32")) if long in able]


def _cache_folder(place: EngineFolder) -> Path | None:
    if place.cache is None:
        return None
    openvino = runtime()
    processor = openvino.Core().get_property("CPU", "FULL_DEVICE_NAME")
    version = openvino.get_version()
    said = [_FORMAT, revision_of(place.folder), version, processor, _precisions(), place.threads or cores()]
    return place.cache / sha256(json.dumps(said).encode()).hexdigest()[:16]
