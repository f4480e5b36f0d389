"""From a sentence-transformers model to OpenVINO's."""

import warnings
from typing import TYPE_CHECKING, Any

from kb_server.embedding.openvino_engine import Converted, runtime
from kb_server.quiet import quiet

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class NotConvertible(Exception):
    """A model that OpenVINO would not compute as it is meant, or cannot read; the message says why."""


def convert(model: "SentenceTransformer") -> Converted:
    """Trace the whole model, pooling and later layers included; raises NotConvertible."""
    runtime()  # before anything else imports OpenVINO
    tokenizer: Any = model.tokenizer
    if not hasattr(tokenizer, "backend_tokenizer"):
        raise NotConvertible("it has no fast tokenizer")
    if getattr(tokenizer, "padding_side", "right") != "right" or tokenizer.pad_token_id is None:
        raise NotConvertible("it is not padded on the right")
    if any(not getattr(module, "include_prompt", True) for module in model):
        raise NotConvertible("its pooling leaves the prompt out")
    names = tuple(name for name in _INPUTS if name in tokenizer.model_input_names)
    network = _traced(model, tokenizer, names)
    return Converted(network, _plain(tokenizer, model), names, int(tokenizer.pad_token_id))


def _traced(model: "SentenceTransformer", tokenizer: Any, names: tuple[str, ...]) -> Any:  # noqa: ANN401 - untyped libraries
    import torch
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    class Whole(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = model

        def forward(self, *values: torch.Tensor) -> torch.Tensor:
            vector: torch.Tensor = self.inner(dict(zip(names, values, strict=True)))["sentence_embedding"]
            return vector

    example = tokenizer(["one two three", "four"], padding=True, return_tensors="pt")
    try:
        with quiet(), warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # tracing warns of every shape it takes for constant; what comes is checked
            decoder = TorchScriptPythonDecoder(Whole().eval(), example_input=tuple(example[name] for name in names))
            frontend = FrontEndManager().load_by_framework("pytorch")
            network = frontend.convert(frontend.load(decoder))
    except (RuntimeError, ValueError, TypeError, KeyError) as error:
        raise NotConvertible(f"it cannot be traced ({type(error).__name__})") from error
    for port, name in zip(network.inputs, names, strict=True):
        port.get_tensor().set_names({name})
    return network


def _plain(tokenizer: Any, model: "SentenceTransformer") -> Any:  # noqa: ANN401 - untyped libraries
    """Return a copy of the tokenizer that cuts at the model's length and pads nothing."""
    from tokenizers import Tokenizer

    copy = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    copy.no_padding()
    copy.enable_truncation(model.max_seq_length or tokenizer.model_max_length)
    return copy
