"""Choosing what computes a model's vectors, by measurement (docs/decisions/embedding-engine.md).

The first time a model is used on a machine it is converted for OpenVINO and compared with PyTorch on sample texts: its
vectors must be the same to a cosine of .9999, and it must take less processor time. Model and result are kept, under a
name that changes with the weights, OpenVINO and the processor; from then on PyTorch is not even imported. Whatever
cannot be converted, differs or is slower is computed by PyTorch, which is said when it is found out.
"""

import json
import logging
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from time import process_time

from kb_server.cores import cores
from kb_server.domain import EngineKind
from kb_server.embedding.engine import Engine
from kb_server.embedding.engine_cache import Choice, EngineCache
from kb_server.embedding.model_folder import revision_of
from kb_server.embedding.openvino_conversion import NotConvertible, convert
from kb_server.embedding.openvino_engine import Converted, OpenVinoEngine, runtime
from kb_server.embedding.torch_engine import TorchEngine
from kb_server.ports import Vectors

logger = logging.getLogger(__name__)

ALIKE = 0.9999  # lowest cosine with PyTorch's vector of the same text
_FORMAT = 1  # of what is kept
_SENTENCES = ("The committee published its report on Tuesday. ", "委员会星期二公布了调查报告。", "def f(x): return x\n")
SAMPLE = ["", *(_SENTENCES[n % 3] * (1 + 2 * n) for n in range(15))]


@dataclass(frozen=True, slots=True)
class Place:
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


def choose_engine(kind: EngineKind, place: Place) -> Engine:
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


def _find_out(place: Place, cache: EngineCache) -> Engine:
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


def _best(place: Place, torch: TorchEngine, converted: Converted) -> tuple[Choice, Engine]:
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


def _cache_folder(place: Place) -> Path | None:
    if place.cache is None:
        return None
    openvino = runtime()
    processor = openvino.Core().get_property("CPU", "FULL_DEVICE_NAME")
    version = openvino.get_version()
    said = [_FORMAT, revision_of(place.folder), version, processor, _precisions(), place.threads or cores()]
    return place.cache / sha256(json.dumps(said).encode()).hexdigest()[:16]
