"""The place in a model whose input makes the best keys: the feed-forward part of the last layer, after its norm.

Khandelwal et al. 2020, table 5: perplexity 16.06 with this input, 16.76 with the attention's input, 17.01 with the last
layer's output. Where attention and feed-forward stand side by side (GPT-NeoX, GPT-J, Falcon, Phi, Cohere) both have the
same input or two norms of it, so that is the key there.

Nothing in the model is replaced: a hook listens while one pass is made, and is taken away again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kb_server.core.errors import GenerationFailed

if TYPE_CHECKING:
    import torch
    from torch import nn

_FEED_FORWARD = ("mlp", "feed_forward", "ffn", "block_sparse_moe", "fc1")  # as transformers' models call it
_RECURRENT = ("rwkv",)  # its feed-forward part mixes in the token before, so its input is only half of what it reads


class KeyLayer:
    """The feed-forward part of a decoder's last layer; raises GenerationFailed for a model that has none."""

    def __init__(self, model: Any) -> None:  # noqa: ANN401 - half of what is called on a model has no types
        self.name, self._module = _find(model)

    @contextmanager
    def listening(self, rows: int = 1) -> "Iterator[list[torch.Tensor]]":
        """Collect the part's input [rows, tokens, size] of each pass made meanwhile."""
        heard: list[torch.Tensor] = []

        def hear(_: Any, positional: tuple[Any, ...], named: dict[str, Any]) -> None:  # noqa: ANN401 - a hook's shape
            read = positional[0] if positional else named["hidden_states"]
            heard.append(read.reshape(rows, -1, read.shape[-1]))  # OPT's comes as one row

        handle = self._module.register_forward_pre_hook(hear, with_kwargs=True)
        try:
            yield heard
        finally:
            handle.remove()


def _find(model: Any) -> "tuple[str, nn.Module]":  # noqa: ANN401 - see above
    from torch import nn

    kind = getattr(model.config, "model_type", type(model).__name__)
    config: Any = model.config
    if isinstance(model, nn.Module) and not config.is_encoder_decoder and kind not in _RECURRENT:
        for name, stack in _stacks(model):
            for part in _FEED_FORWARD:
                if isinstance(module := getattr(stack[-1], part, None), nn.Module):
                    return f"{name}.{len(stack) - 1}.{part}", module
    raise GenerationFailed(
        f"The hidden states of a {kind} model ({type(model).__name__}) cannot serve as keys of a datastore: it has no "
        "decoder whose last layer ends in a feed-forward part.",
        "kNN-LM works with decoder models such as Llama, Qwen, GLM, GPT-2; P-Tuning v2 adapters must be left out.",
    )


def _stacks(model: "nn.Module") -> "list[tuple[str, nn.ModuleList]]":
    """Return the model's stacks of layers with their names, the longest first."""
    from torch import nn

    stacks = [(name, part) for name, part in model.named_modules() if isinstance(part, nn.ModuleList) and len(part)]
    return sorted(stacks, key=lambda one: -len(one[1]))
