"""A linear layer whose weights stay packed in 4 bits, computed by torch's own kernel.

A weight is (q - 8) · scale + zero with q in 0..15; scale and zero belong to a group of neighbouring columns. The
portable layout, on disk and in the published ChatGLM int4 checkpoints, has two weights a byte, the even column in the
high half. The kernel wants bfloat16 activations (float32 ones are 18 to 29 times slower on a CPU).
"""

from typing import TYPE_CHECKING

import torch
from torch import nn

from kb_server.core.errors import GenerationFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUPS = (64, 32)  # columns that share a scale, the first that divides them; published rows are one group each
_ROWS = 16  # the kernel takes rows by the sixteen
_AT_ONCE = 1024  # rows that are rounded or packed together, so that little memory is needed beside the result
_TILES = 8  # inner tiles of the CUDA kernel


class Int4Linear(nn.Module):
    """`y = x W^T + b` with W [rows, columns] packed for the device it lies on."""

    def __init__(self, values: torch.Tensor, scales_and_zeros: torch.Tensor, bias: torch.Tensor | None) -> None:
        """Take values 0..15 as uint8 [rows, columns] and scales and zeros [columns / group, rows, 2]."""
        super().__init__()
        self.out_features, self.in_features = values.shape
        self.group = self.in_features // scales_and_zeros.shape[0]
        self.register_buffer("packed", _for_kernel(values))
        self.register_buffer("scales_and_zeros", scales_and_zeros.to(torch.bfloat16).contiguous())
        made = None if bias is None else nn.Parameter(bias.to(torch.bfloat16), requires_grad=False)
        self.register_parameter("bias", made)

    packed: torch.Tensor
    scales_and_zeros: torch.Tensor
    bias: nn.Parameter | None

    @property
    def weight(self) -> torch.Tensor:
        """A tensor of the type the layer computes in: T5 asks its layers' weights for that, and for nothing else."""
        return self.scales_and_zeros

    @classmethod
    def quantize(cls, weight: torch.Tensor, bias: torch.Tensor | None, name: str) -> "Int4Linear":
        """Round weights [rows, columns] to the nearest of 16 steps between each group's least and greatest."""
        rows, columns = weight.shape
        group = next((size for size in GROUPS if columns % size == 0), None)
        if group is None or rows % _ROWS:
            raise GenerationFailed(
                f"The layer '{name}' has {rows} x {columns} weights; int4 needs rows by the {_ROWS} and columns by the "
                f"{GROUPS[-1]}.",
                "Set generation.quantization to nf4 or int8.",
            )
        parts = [_round(part, group) for part in torch.split(weight, _AT_ONCE)]
        values, scales_and_zeros = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
        return cls(values, scales_and_zeros.transpose(0, 1), bias)

    @classmethod
    def from_published(cls, nibbles: torch.Tensor, row_scale: torch.Tensor, bias: torch.Tensor | None) -> "Int4Linear":
        """Take int8 [rows, columns / 2] of signed halves (-7..7) and a scale [rows], as in chatglm2-6b-int4."""
        values = (unpack(nibbles.view(torch.uint8)) + 8) % 16  # two's complement of 4 bits to offset 8
        rows, columns = values.shape
        group = next((size for size in (256, 128, *GROUPS) if columns % size == 0), None)
        if group is None or rows % _ROWS:
            raise GenerationFailed(
                f"A packed layer of {rows} x {columns} weights cannot be computed in 4 bits.",
                "Use the unpacked model with generation.quantization nf4.",
            )
        scale = row_scale.to(torch.bfloat16).expand(columns // group, rows)
        return cls(values, torch.stack([scale, torch.zeros_like(scale)], -1), bias)

    @classmethod
    def from_saved(cls, saved: "Mapping[str, torch.Tensor]") -> "Int4Linear":
        """Take what `saved` gave: `qweight`, `scales_and_zeros`, and `bias` if there is one."""
        return cls(unpack(saved["qweight"]), saved["scales_and_zeros"], saved.get("bias"))

    def saved(self) -> dict[str, torch.Tensor]:
        """Return the layer in the portable layout; exact."""
        state = {"qweight": pack(self.values()), "scales_and_zeros": self.scales_and_zeros}
        return state if self.bias is None else state | {"bias": self.bias.data}

    def values(self) -> torch.Tensor:
        """Return the 4-bit values as uint8 [rows, columns].

        The kernel's layout differs between processors and has no inverse, so the kernel itself reads it back: with
        scale 1 and zero 0 it maps the unit matrix to the integers -8..7, which bfloat16 holds exactly.
        """
        plain = torch.zeros_like(self.scales_and_zeros)
        plain[..., 0] = 1
        unit = torch.eye(self.in_features, dtype=torch.bfloat16, device=self.packed.device)
        return (_multiply(unit, self.packed, self.group, plain).T + 8).to(torch.uint8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x [..., columns] times the weights, in x's own type."""
        rows = x.reshape(-1, self.in_features).to(torch.bfloat16).contiguous()
        y = _multiply(rows, self.packed, self.group, self.scales_and_zeros)
        if self.bias is not None:
            y = y + self.bias
        return y.reshape(*x.shape[:-1], self.out_features).to(x.dtype)


def dequantize_published(nibbles: torch.Tensor, row_scale: torch.Tensor) -> torch.Tensor:
    """Return the float32 weights [rows, columns] of a published packed layer."""
    signed = (unpack(nibbles.view(torch.uint8)) ^ 8).float() - 8  # two's complement of 4 bits
    return signed * row_scale.float()[:, None]


def pack(values: torch.Tensor) -> torch.Tensor:
    """Put two 4-bit values 0..15 into a byte, the even column in the high half: uint8 [rows, columns / 2]."""
    return (values[:, ::2] << 4) | values[:, 1::2]


def unpack(packed: torch.Tensor) -> torch.Tensor:
    """Return the halves of each byte as uint8 0..15 [rows, columns]."""
    return torch.stack([packed >> 4, packed & 15], -1).flatten(-2)


def _round(weight: torch.Tensor, group: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return values [rows, columns] and scales and zeros [rows, columns / group, 2] of a few rows."""
    grouped = weight.float().reshape(len(weight), -1, group)
    low, high = grouped.amin(-1), grouped.amax(-1)
    scale = ((high - low) / 15).clamp_min(1e-8).to(torch.bfloat16)
    zero = (low + 8 * scale.float()).to(torch.bfloat16)
    steps = (grouped - zero.float()[..., None]) / scale.float()[..., None]
    values = (steps.round() + 8).clamp(0, 15).to(torch.uint8).flatten(1)
    return values, torch.stack([scale, zero], -1)


def _for_kernel(values: torch.Tensor) -> torch.Tensor:
    """Lay values out for the kernel; on a CPU its blocks are whole rows, so parts laid end to end are the whole."""
    if values.device.type == "cuda":
        made: torch.Tensor = torch.ops.aten._convert_weight_to_int4pack(pack(values).contiguous(), _TILES)
        return made
    parts = torch.split(values, _AT_ONCE)
    return torch.cat([torch.ops.aten._convert_weight_to_int4pack_for_cpu(part.to(torch.int32), 1) for part in parts])


def _multiply(x: torch.Tensor, packed: torch.Tensor, group: int, scales_and_zeros: torch.Tensor) -> torch.Tensor:
    if x.device.type == "cuda":
        made: torch.Tensor = torch.ops.aten._weight_int4pack_mm(x, packed, group, scales_and_zeros)
    else:
        made = torch.ops.aten._weight_int4pack_mm_for_cpu(x, packed, group, scales_and_zeros)
    return made
