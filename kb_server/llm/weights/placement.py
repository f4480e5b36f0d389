"""Putting tensors into an empty model one by one, each quantized as it comes."""

import re
from typing import TYPE_CHECKING

from kb_server.core.answers import Quantization
from kb_server.core.errors import GenerationFailed
from kb_server.llm.weights.quantization import quantize, restore

if TYPE_CHECKING:
    import torch
    from torch import nn

_PARTS = re.compile(r"(.+?)\.(weight|bias|qweight|scales_and_zeros|SCB|weight_scale|weight\..+)")
_COMPLETE = {  # how many tensors, its bias left out, a saved layer has
    Quantization.INT4: 2,
    Quantization.INT8: 2,
    Quantization.NF4: 6,
}
_SHOWN = 3


class Placement:
    """Fills one model.

    `scheme` is how its linear layers shall be kept, `saved` how the file has them already (`none` for plain weights),
    `published_int4` whether they come packed as in chatglm2-6b-int4.
    """

    def __init__(
        self,
        model: "nn.Module",
        scheme: Quantization,
        device: "torch.device",
        saved: Quantization = Quantization.NONE,
        published_int4: bool = False,
    ) -> None:
        self._model = model
        self._dtype = next(model.parameters()).dtype
        self._scheme = scheme
        self._device = device
        self._saved = saved
        self._packed = saved is not Quantization.NONE or published_int4
        self._linears = linear_names(model)
        self._buffers = {name for name, _ in model.named_buffers()}
        self._waiting: dict[str, dict[str, torch.Tensor]] = {}
        self._unknown: list[str] = []

    @property
    def quantized_layers(self) -> int:
        """How many layers can be quantized at all."""
        return len(self._linears)

    def place(self, name: str, tensor: "torch.Tensor") -> None:
        """Put one tensor where it belongs; what the model does not have is remembered for `finish`."""
        name = self._own_name(name)
        found = _PARTS.fullmatch(name)
        layer, kind = found.groups() if found else ("", "")
        if layer in self._linears and self._is_packed(kind):
            self._wait(layer, kind, tensor)
        elif layer in self._linears and kind == "weight" and self._scheme is not Quantization.NONE:
            self._check_shape(name, tensor)
            bias = _real(getattr(self._at(layer), "bias", None))
            self._replace(layer, quantize(self._moved(name, tensor), bias, self._scheme, layer))
        else:
            self._assign(name, tensor)

    def _is_packed(self, kind: str) -> bool:
        """Tell whether a linear layer's part is one of those that only together are its weights."""
        return kind != "bias" and (self._packed or kind != "weight")

    def finish(self) -> None:
        """Tie what is tied; raises GenerationFailed if the file's tensors and the model's are not the same."""
        if tie := getattr(self._model, "tie_weights", None):
            tie()
        missing = [name for name, parameter in self._model.named_parameters() if parameter.is_meta]
        missing += sorted(self._waiting)
        if missing or self._unknown:
            raise GenerationFailed(
                "The weights do not fit the model that config.json describes: "
                + "; ".join(
                    _few(label, names) for label, names in (("missing", missing), ("unknown", self._unknown)) if names
                )
                + ".",
                "Check that config.json and the weights are of the same download, and download what is missing.",
            )

    def _own_name(self, name: str) -> str:
        """Add the prefix that files of a base model leave out."""
        prefix = getattr(self._model, "base_model_prefix", "")
        longer = f"{prefix}.{name}"
        found = _PARTS.fullmatch(longer)
        return longer if found and prefix and not self._has(name) and self._has(longer) else name

    def _has(self, name: str) -> bool:
        found = _PARTS.fullmatch(name)
        owner = self._find(found.group(1)) if found else None
        return owner is not None

    def _find(self, path: str) -> "nn.Module | None":
        try:
            return self._model.get_submodule(path)
        except AttributeError:
            return None

    def _at(self, path: str) -> "nn.Module":
        return self._model.get_submodule(path)

    def _wait(self, layer: str, kind: str, tensor: "torch.Tensor") -> None:
        """Keep a part of a packed layer until the others have come."""
        parts = self._waiting.setdefault(layer, {})
        parts[kind] = tensor
        complete = {"weight", "weight_scale"} <= set(parts) or len(parts) == _COMPLETE.get(self._saved, 0)
        if not complete:
            return
        bias = _real(getattr(self._at(layer), "bias", None))
        del self._waiting[layer]
        if "weight_scale" in parts:
            self._replace(layer, self._published(parts, bias))
        else:
            self._replace(layer, restore(parts | ({} if bias is None else {"bias": bias}), self._saved, self._device))

    def _published(self, parts: "dict[str, torch.Tensor]", bias: "torch.Tensor | None") -> "nn.Module":
        from kb_server.llm.weights.int4_linear import Int4Linear

        weight, scale = (parts[kind].to(self._device) for kind in ("weight", "weight_scale"))
        return Int4Linear.from_published(weight, scale, bias)

    def _replace(self, layer: str, made: "nn.Module") -> None:
        self._model.set_submodule(layer, made.eval())

    def _assign(self, name: str, tensor: "torch.Tensor") -> None:
        from torch import nn

        owner = self._find(name.rpartition(".")[0])
        leaf = name.rpartition(".")[2]
        if owner is None or not (leaf in owner._parameters or (leaf == "bias" and hasattr(owner, "bias"))):
            if name not in self._buffers and not name.endswith(("inv_freq", ".attn.bias", ".masked_bias")):
                self._unknown.append(name)
            return
        self._check_shape(name, tensor)
        moved = nn.Parameter(self._moved(name, tensor), requires_grad=False)
        owner.register_parameter(leaf, moved)

    def _check_shape(self, name: str, tensor: "torch.Tensor") -> None:
        owner, _, leaf = name.rpartition(".")
        expected = getattr(self._at(owner), leaf, None)
        if expected is not None and expected.is_meta and expected.shape != tensor.shape:
            raise GenerationFailed(
                f"The tensor '{name}' is {tuple(tensor.shape)}; config.json describes {tuple(expected.shape)}.",
                "Check that config.json and the weights are of the same download (a 4-bit checkpoint needs its own).",
            )

    def _moved(self, name: str, tensor: "torch.Tensor") -> "torch.Tensor":
        """Return a copy on the device, in the model's type; a file's mapped pages are let go."""
        owner, _, leaf = name.rpartition(".")
        described = getattr(self._at(owner), leaf, None)
        dtype = self._dtype if described is None else described.dtype
        moved = tensor.to(self._device, dtype)
        return moved.clone() if moved.data_ptr() == tensor.data_ptr() else moved


def linear_names(model: "nn.Module") -> set[str]:
    """Return the names of the layers that are quantized: every linear one but the output layer."""
    from torch import nn

    output = getattr(model, "get_output_embeddings", lambda: None)()
    return {name for name, layer in model.named_modules() if isinstance(layer, nn.Linear) and layer is not output}


def _real(tensor: "torch.Tensor | None") -> "torch.Tensor | None":
    return None if tensor is None or tensor.is_meta else tensor


def _few(label: str, names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{label} {', '.join(names[:_SHOWN])}{more}"
