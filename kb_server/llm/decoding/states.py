"""Hidden states of a model inside this process, read from texts for kNN-LM."""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kb_server.core.errors import GenerationFailed
from kb_server.core.knn_lm import ModelIdentity
from kb_server.core.ports import Vectors
from kb_server.llm.decoding.batch import Decoder
from kb_server.llm.decoding.key_layer import KeyLayer
from kb_server.llm.decoding.seq2seq import Seq2SeqDecoder
from kb_server.llm.weights.loading import LoadedModel

if TYPE_CHECKING:
    import torch

_SAMPLED = 512  # numbers of each tensor, evenly spread: fine-tuning and quantizing change nearly all of them


def weights_digest(model: Any) -> str:  # noqa: ANN401 - half of what is called on a model has no types
    """Return a sha256 over every parameter's name, shape, format and a sample of its numbers."""
    digest = hashlib.sha256(type(model).__name__.encode())
    for name, parameter in [*model.named_parameters(), *model.named_buffers()]:
        digest.update(f"{name} {tuple(parameter.shape)} {parameter.dtype}".encode())
        digest.update(_sample(parameter))
    return digest.hexdigest()


def codec_digest(codec: Any) -> str:  # noqa: ANN401 - any codec
    """Return a sha256 over the ids of a text that has a bit of everything, and over what a text starts with."""
    lines = [
        "The quick brown fox jumps over 13 lazy dogs (1984)!",
        "天地玄黄，宇宙洪荒。",
        "naïve café — ½ €",
        "\n\t{}[]",
    ]
    ids = [codec.lead(), *(codec.encode_content(line) for line in lines)]
    return hashlib.sha256(repr(ids).encode()).hexdigest()


def _sample(parameter: "torch.Tensor") -> bytes:
    import torch

    flat = parameter.detach().reshape(-1)
    chosen = flat[:: max(1, flat.numel() // _SAMPLED)].contiguous().cpu()
    return chosen.view(torch.uint8).numpy().tobytes()


class StateReader:
    """A NextTokenModel over a loaded model.

    Raises GenerationFailed for a model that has no layer to take keys from, or no mark that a text starts with.
    """

    def __init__(self, name: str, loaded: LoadedModel, decoder: Decoder | Seq2SeqDecoder) -> None:
        self.layer = KeyLayer(loaded.model)
        if isinstance(decoder, Seq2SeqDecoder):
            raise TypeError(f"{name} has a key layer and an encoder")
        self._name = name
        self._loaded = loaded
        self._decoder = decoder
        self.context_window = loaded.window
        if not self.lead():
            raise GenerationFailed(
                f"The tokenizer of '{name}' has no mark that a text starts with, so its first token has no key.",
                "Use a model whose tokenizer has a token for the beginning or the end of a text.",
            )
        self._identity = self._identify()

    def identity(self) -> ModelIdentity:
        """Return what the keys depend on."""
        return self._identity

    def lead(self) -> list[int]:
        """Return the ids that a text by itself starts with."""
        return self._loaded.codec.lead()

    def encode(self, text: str) -> list[int]:
        """Return the ids of plain text."""
        return self._loaded.codec.encode_content(text)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids."""
        return self._loaded.codec.decode(ids)

    def states(self, ids: Sequence[int], last: int) -> Vectors:
        """Return the hidden state before each of the last ids: float32 [last, size]."""
        states, _ = self._decoder.read(ids, last, scored=False)
        return states.cpu().numpy()

    def score(self, ids: Sequence[int], last: int) -> tuple[Vectors, Vectors, Vectors]:
        """Return these states, the log-probability of each of the last ids, and the entropy before each."""
        states, found = self._decoder.read(ids, last, scored=True)
        if found is None:
            raise TypeError("the ids were not scored")
        probabilities, entropy = found
        return states.cpu().numpy(), probabilities.cpu().numpy(), entropy.cpu().numpy()

    def _identify(self) -> ModelIdentity:
        model = self._loaded.model
        layer, state = self.layer.name, self.states([*self.lead(), *self.lead()], 1)
        dtype = str(next(model.parameters()).dtype).removeprefix("torch.")
        return ModelIdentity(
            self._name, weights_digest(model), codec_digest(self._loaded.codec), layer, state.shape[1], dtype
        )
