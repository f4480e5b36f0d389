"""A digest of what a loaded model computes, so that hidden states of another one are never mistaken for its own."""

import hashlib
from typing import TYPE_CHECKING, Any

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
