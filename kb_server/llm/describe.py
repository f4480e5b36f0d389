"""What a model folder or GGUF file is, before any of its weights are loaded."""

from dataclasses import dataclass
from pathlib import Path

from kb_server.core.answers import Message, Quantization
from kb_server.core.errors import KbError
from kb_server.llm.weights.checkpoint import shards
from kb_server.llm.weights.loading import codec_for
from kb_server.llm.weights.memory import Sizes, free_memory
from kb_server.llm.weights.skeleton import ModelFiles

HELLO = (Message("user", "你好"),)


@dataclass(frozen=True, slots=True)
class ModelReport:
    """A model: its kind, how its weights are stored, its size, what loading takes by scheme, and a prompt.

    `memory` has bytes at the peak of loading; `prompt_ids` and `prompt` are those of the user message 你好, empty
    with the reason in `problems` where none can be made.
    """

    name: str
    kind: str
    stored: str
    parameters: int
    file_bytes: int
    memory: dict[Quantization, int]
    free: int
    prompt: str
    prompt_ids: tuple[int, ...]
    problems: tuple[str, ...]

    def fits(self, scheme: Quantization) -> bool:
        """Whether the model can be loaded here in this scheme."""
        return self.memory[scheme] <= self.free


def describe(folder: Path, device: str = "cpu") -> ModelReport:
    """Return what a folder holds; raises ModelNotFound or GenerationFailed if it is no model or wants to run code."""
    import torch

    files = ModelFiles(folder)
    stored = Quantization.INT4 if files.published_int4 else files.saved_scheme
    sizes = Sizes.of(files.skeleton(torch.bfloat16))
    schemes = list(Quantization) if stored is Quantization.NONE else [stored]
    problems: list[str] = []
    size, ids, prompt = 0, tuple[int, ...](), ""
    try:
        size = sum(shard.stat().st_size for shard in shards(folder))
    except KbError as error:
        problems.append(str(error))
    try:
        ids, prompt = _prompt(files)
    except (KbError, OSError, ValueError) as error:
        problems.append(f"No prompt can be made: {error}")
    return ModelReport(
        name=folder.resolve().name,
        kind=str(files.layout or files.config.get("model_type")),
        stored=str(stored) if stored is not Quantization.NONE else str(files.config.get("torch_dtype") or "float"),
        parameters=sizes.linear + sizes.other,
        file_bytes=size,
        memory={scheme: sizes.peak(scheme) for scheme in schemes},
        free=free_memory(device),
        prompt=prompt,
        prompt_ids=ids,
        problems=tuple(problems),
    )


def _prompt(files: ModelFiles) -> tuple[tuple[int, ...], str]:
    """Return the ids of a prompt, and each id's own text with marks shown by number."""
    codec = codec_for(files)
    ids = codec.encode(HELLO)
    return tuple(ids), "".join(codec.decode([id_]) or f"<{id_}>" for id_ in ids)
