"""Linear layers in 8 or 4 bits, made from weights as they come off the disk.

nf4 and int8 are those of bitsandbytes (CPU and CUDA alike); int4 is torch's own kernel, which the published ChatGLM
int4 checkpoints keep their weights in. Embedding and output layer stay in 16 bits.
"""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kb_server.core.answers import Quantization
from kb_server.core.errors import GenerationFailed, MissingExtra

if TYPE_CHECKING:
    import torch
    from torch import nn

INSTALL = "Run: pip install 'kb-server[quantize]'; or set generation.quantization to int4, which needs no package."
BITS = {  # bits a weight takes, scales included
    Quantization.NONE: 16.0,
    Quantization.INT8: 8.01,
    Quantization.NF4: 4.13,
    Quantization.INT4: 4.5,
}
_PIECE = 1 << 22  # weights quantized at once: bitsandbytes makes several 32-bit copies of them
_AVX512_ROWS, _AVX512_COLUMNS = 32, 64  # what bitsandbytes' fast CPU layout divides a matrix into


def quantize(weight: "torch.Tensor", bias: "torch.Tensor | None", scheme: Quantization, name: str) -> "nn.Module":
    """Return the layer `name` with weights [rows, columns] in this scheme, on the device the weights are on."""
    if scheme is Quantization.INT4:
        from kb_server.llm.weights.int4_linear import Int4Linear

        return Int4Linear.quantize(weight, bias, name)
    layer = _empty(tuple(weight.shape), bias, scheme)
    bnb = _bitsandbytes()
    if scheme is Quantization.NF4:
        codes, layer.quant_state = _nf4(weight)
        known = {"quant_state": layer.quant_state, "bnb_quantized": True}
        layer.weight = bnb.nn.Params4bit(codes, requires_grad=False, quant_type="nf4", module=layer, **known)
    else:
        parameter = bnb.nn.Int8Params(weight.cpu().contiguous(), requires_grad=False, has_fp16_weights=False)
        layer.weight = parameter.to(weight.device)
    made: nn.Module = layer
    return made


def restore(saved: "Mapping[str, torch.Tensor]", scheme: Quantization, device: "torch.device") -> "nn.Module":
    """Return the layer that `saved_layer` took these tensors from."""
    moved = {name: tensor.to(device) for name, tensor in saved.items()}
    if scheme is Quantization.INT4:
        from kb_server.llm.weights.int4_linear import Int4Linear

        return Int4Linear.from_saved(moved)
    bnb = _bitsandbytes()
    weight = moved["weight"]
    if scheme is Quantization.INT8:
        layer = _empty(tuple(weight.shape), moved.get("bias"), scheme)
        layer.weight = bnb.nn.Int8Params(weight, requires_grad=False, CB=weight, SCB=moved["SCB"])
        eight_bits: nn.Module = layer
        return eight_bits
    stats = {name.removeprefix("weight."): tensor for name, tensor in moved.items() if name.startswith("weight.")}
    parameter = bnb.nn.Params4bit.from_prequantized(weight, stats, device=device)
    layer = _empty(tuple(parameter.quant_state.shape), moved.get("bias"), scheme)
    layer.weight, layer.quant_state, parameter.module = parameter, parameter.quant_state, layer
    four_bits: nn.Module = layer
    return four_bits


def saved_layer(layer: "nn.Module") -> "dict[str, torch.Tensor] | None":
    """Return what `restore` needs, None for a layer that is not quantized.

    A layer of nf4 must not have computed yet: bitsandbytes then rounds its scales for the processor.
    """
    from kb_server.llm.weights.int4_linear import Int4Linear

    if isinstance(layer, Int4Linear):
        return layer.saved()
    if type(layer).__module__.startswith("bitsandbytes"):
        return {name: tensor for name, tensor in layer.state_dict().items() if name != "weight_format"}
    return None


def check(scheme: Quantization, device: str) -> None:
    """Raise, before anything is loaded, if this machine cannot compute in the scheme."""
    import torch

    if device.startswith("cuda") and not torch.cuda.is_available():
        raise GenerationFailed(
            "CUDA is asked for (generation.device), and torch finds none on this machine.",
            "Set generation.device to auto or cpu, or install the CUDA build of torch.",
        )
    if scheme in (Quantization.NF4, Quantization.INT8):
        _bitsandbytes()
    if scheme in (Quantization.NF4, Quantization.INT8, Quantization.INT4) and not device.startswith(("cpu", "cuda")):
        raise GenerationFailed(
            f"The device '{device}' computes neither in 4 nor in 8 bits here.",
            "Set generation.quantization to none, or use the llama_cpp backend with a GGUF file.",
        )


def _nf4(weight: "torch.Tensor") -> "tuple[torch.Tensor, Any]":
    """Return what bitsandbytes makes of a whole matrix, packed codes and their state, made piece by piece.

    A code depends on its block of 64 weights alone, so pieces are of whole blocks. Only the blocks' largest values are
    quantized all together, since their mean is taken off before (Dettmers et al. 2023, QLoRA, section 3).
    """
    import torch

    make = _bitsandbytes().functional
    rows = 64 * max(1, _PIECE // (64 * weight.shape[1]))
    pieces = [
        make.quantize_4bit(piece.contiguous(), blocksize=64, quant_type="nf4") for piece in torch.split(weight, rows)
    ]
    largest = torch.cat([state.absmax for _, state in pieces])
    middle = largest.mean()
    scales, nested = make.quantize_blockwise(largest - middle, blocksize=256)
    state = make.QuantState(
        scales, weight.shape, pieces[0][1].code, 64, "nf4", weight.dtype, offset=middle, state2=nested
    )
    return torch.cat([codes for codes, _ in pieces]), state


def _empty(shape: tuple[int, ...], bias: "torch.Tensor | None", scheme: Quantization) -> Any:  # noqa: ANN401 - bitsandbytes has no types
    from torch import nn

    bnb = _bitsandbytes()
    rows, columns = shape
    if scheme is Quantization.NF4:
        layer = bnb.nn.Linear4bit(columns, rows, bias=False, compute_dtype=None, quant_type="nf4", device="meta")
        layer.support_avx512bf16_for_cpu &= rows % _AVX512_ROWS == 0 and columns % _AVX512_COLUMNS == 0
    else:
        layer = bnb.nn.Linear8bitLt(columns, rows, bias=False, has_fp16_weights=False, threshold=6.0, device="meta")
    if bias is not None:
        layer.bias = nn.Parameter(bias.detach(), requires_grad=False)
    return layer.eval()


def _bitsandbytes() -> Any:  # noqa: ANN401 - it has no types
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it would advertise kernels that it fetches from a hub
    try:
        import bitsandbytes
    except ImportError as error:
        raise MissingExtra(f"nf4 and int8 need the package '{error.name}'.", INSTALL) from error
    return bitsandbytes
