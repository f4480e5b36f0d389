"""Choosing what computes a model's vectors, by measurement (docs/decisions/embedding-engine.md).

The first time a model is used on a machine it is made ready for OpenVINO: a plain BERT from its files, any other by
tracing it in PyTorch. Then every number format the processor has is tried on sample texts: the vectors must be those of
32 bits to a cosine of .9999 (integers of 8 bits: .9995), and what takes the least processor time is kept, under a name
that changes with the weights, OpenVINO and the processor. From then on, and for a plain BERT always, PyTorch is not
even imported. What cannot be converted, differs or is slower is computed by PyTorch; that is said once.
"""

import json
import logging
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from time import process_time
from typing import Protocol

from kb_server.core.answers import EngineKind
from kb_server.core.ports import Vectors
from kb_server.embedding.bert_network import BertShape, bert_network, bert_shape, fits_eight_bits, runtime
from kb_server.embedding.model_folder import revision_of
from kb_server.embedding.openvino_engine import (
    INPUTS,
    INT8,
    Converted,
    NotConvertible,
    OpenVinoEngine,
    convert,
    float_formats,
)
from kb_server.embedding.token_ids import read_token_ids
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


_CHOICE, _NETWORK = "choice.json", "model.xml"


@dataclass(frozen=True, slots=True)
class Choice:
    """What was found out: without `precision` PyTorch computes, for `reason`.

    `cosine` is the lowest with the vectors of 32 bits, `gain` their processor time over the engine's; `inputs`,
    `padding` and `limit`, the longest text in tokens, belong to the converted model.
    """

    precision: str = ""
    reason: str = ""
    cosine: float = 1.0
    gain: float = 1.0
    inputs: tuple[str, ...] = ()
    padding: int = 0
    limit: int = 0

    def of(self, converted: Converted) -> "Choice":
        """Return the same with what the converted model needs to be read again."""
        return replace(self, inputs=converted.inputs, padding=converted.padding, limit=converted.tokens.limit)


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
                    converted.tokens.save(made)
                shutil.rmtree(self._folder, ignore_errors=True)
                made.replace(self._folder)
        except (OSError, RuntimeError) as error:  # RuntimeError is what OpenVINO makes of a full disk
            logger.warning(
                "The converted model cannot be kept in '%s': each start makes it again (%s).", self._folder, error
            )

    @staticmethod
    def _converted(folder: Path, choice: Choice) -> Converted:
        network = runtime().Core().read_model(str(folder / _NETWORK))
        return Converted(network, read_token_ids(folder, choice.limit), choice.inputs, choice.padding)


logger = logging.getLogger(__name__)

ALIKE = 0.9999  # lowest cosine with the vector of 32 bits of the same text

ALIKE_IN_8_BITS = 0.9995  # as measured, recall is the same to the third digit

_FORMAT = 2  # of what is kept

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
    shape = bert_shape(place.folder)
    return _traced(place, cache) if shape is None else _built(place, shape, cache)


def _built(place: EngineFolder, shape: BertShape, cache: EngineCache) -> Engine:
    """Choose for a network made from the model's files; its own 32 bits are what the others are compared with."""
    plain = _network(place.folder, shape, eight_bits=False)
    expected = _timed(place.openvino(plain, "f32"))
    as_it_is = Trial(Choice("f32").of(plain), plain)
    return _kept(chain([as_it_is], _tried(place, expected, _formats(place, shape, plain))), place, cache)


def _formats(place: EngineFolder, shape: BertShape, plain: Converted) -> Iterator[tuple[str, Converted]]:
    """Yield one after the other, for a network takes 200 MB."""
    yield from ((name, plain) for name in float_formats() if name != "f32")
    if fits_eight_bits(shape):
        yield INT8, _network(place.folder, shape, eight_bits=True)


def _traced(place: EngineFolder, cache: EngineCache) -> Engine:
    """Choose for a model that PyTorch has to read first."""
    torch = place.torch()
    try:
        converted = convert(torch.model)
        tried = _tried(place, _timed(torch), [(name, converted) for name in float_formats()])
        return _kept(_worth_it(tried), place, cache)
    except NotConvertible as error:
        logger.warning("PyTorch embeds with '%s', not OpenVINO: %s.", place.folder.name, error)
        cache.write(Choice(reason=str(error)), None)
        return torch


def _network(folder: Path, shape: BertShape, *, eight_bits: bool) -> Converted:
    network = bert_network(folder, shape, eight_bits)
    return Converted(network, read_token_ids(folder, shape.limit), INPUTS[:2], shape.padding)


@dataclass(frozen=True, slots=True)
class Trial:
    """One number format, tried; its engine is made again if it is chosen, for several at once take much memory."""

    choice: Choice
    converted: Converted

    @property
    def alike(self) -> bool:
        """Whether its vectors are those of 32 bits, as far as its format goes."""
        return self.choice.cosine >= (ALIKE_IN_8_BITS if self.choice.precision == INT8 else ALIKE)


def _tried(
    place: EngineFolder, reference: tuple[Vectors, float], formats: Iterable[tuple[str, Converted]]
) -> Iterator[Trial]:
    expected, needed = reference
    for precision, converted in formats:
        vectors, seconds = _timed(place.openvino(converted, precision))
        cosine = round(float((vectors * expected).sum(axis=1).min()), 6)
        gain = round(needed / max(seconds, 1e-3), 2)
        yield Trial(Choice(precision, "", cosine, gain).of(converted), converted)


def _worth_it(tried: Iterable[Trial]) -> list[Trial]:
    """Return the trials whose vectors are PyTorch's; raises NotConvertible if none is, or none is faster."""
    found = list(tried)
    alike = [trial for trial in found if trial.alike]
    if not alike:
        raise NotConvertible(f"its vectors would differ (cosine {max(each.choice.cosine for each in found):.4f})")
    most = max(trial.choice.gain for trial in alike)
    if most < 1:
        raise NotConvertible(f"it would take {1 / most:.1f} times as long")
    return alike


def _kept(tried: Iterable[Trial], place: EngineFolder, cache: EngineCache) -> Engine:
    best = max((trial for trial in tried if trial.alike), key=lambda trial: trial.choice.gain)
    engine = place.openvino(best.converted, best.choice.precision)
    logger.info("%s embeds with '%s' (%g times 32 bits).", engine.description, place.folder.name, best.choice.gain)
    cache.write(best.choice, best.converted)
    return engine


def _timed(engine: Engine) -> tuple[Vectors, float]:
    """Return the sample's vectors and the processor seconds they take, once warm."""
    vectors = engine.encode(SAMPLE, "")
    started = process_time()
    engine.encode(SAMPLE, "")
    return vectors, process_time() - started


def _cache_folder(place: EngineFolder) -> Path | None:
    if place.cache is None:
        return None
    openvino = runtime()
    processor = openvino.Core().get_property("CPU", "FULL_DEVICE_NAME")
    version = openvino.get_version()
    said = [_FORMAT, revision_of(place.folder), version, processor, float_formats(), place.threads or cores()]
    return place.cache / sha256(json.dumps(said).encode()).hexdigest()[:16]
