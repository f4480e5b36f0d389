"""How much memory a model needs, by arithmetic, before any of it is loaded."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kb_server.core.answers import Quantization
from kb_server.core.errors import NotEnoughMemory
from kb_server.llm.weights.placement import linear_names
from kb_server.llm.weights.quantization import BITS

if TYPE_CHECKING:
    from torch import nn

_ROUNDING = 3  # copies of the largest layer that exist while it is quantized
_CGROUP = Path("/sys/fs/cgroup")
GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Sizes:
    """A model's parameters: those of layers that can be quantized, those that cannot, and its largest layer's."""

    linear: int
    other: int
    largest: int

    @classmethod
    def of(cls, model: "nn.Module") -> "Sizes":
        """Count the parameters of a model; one without weights will do. Tied ones count once."""
        linears = {f"{name}.weight" for name in linear_names(model)}
        counted = {name: parameter.numel() for name, parameter in model.named_parameters()}
        linear = sum(count for name, count in counted.items() if name in linears)
        return cls(linear, sum(counted.values()) - linear, max(counted.values(), default=0))

    def weights(self, scheme: Quantization, width: int = 2) -> int:
        """Return the bytes of the weights once loaded; `width` is that of an unquantized number."""
        bits = BITS[scheme] if scheme is not Quantization.NONE else 8 * width
        return int(self.linear * bits / 8 + self.other * width)

    def peak(self, scheme: Quantization, width: int = 2) -> int:
        """Return the bytes needed while loading; a shard's mapped pages can be given back and are not counted."""
        return self.weights(scheme, width) + _ROUNDING * width * self.largest


def free_memory(device: str) -> int:
    """Return the bytes that can be had on a device: for the CPU what the system and its control group leave."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    limits = [_available()]
    try:
        limit, used = ((_CGROUP / name).read_text("ascii").strip() for name in ("memory.max", "memory.current"))
    except OSError:
        limit = "max"
    if limit != "max":
        limits.append(max(0, int(limit) - int(used)))
    return min(limits)


def check_memory(name: str, sizes: Sizes, scheme: Quantization, width: int, device: str) -> None:
    """Raise NotEnoughMemory, naming what would fit, if a model cannot be loaded in this scheme."""
    needed, free = sizes.peak(scheme, width), free_memory(device)
    if needed <= free:
        return
    fitting = [other for other in (Quantization.INT8, Quantization.NF4) if sizes.peak(other) <= free]
    hint = (
        f"Set generation.quantization to {fitting[0]}, which needs {gib(sizes.peak(fitting[0]))}."
        if fitting
        else f"nf4 would need {gib(sizes.peak(Quantization.NF4))}: close other programs or use a smaller model."
    )
    raise NotEnoughMemory(
        f"The model '{name}' needs {gib(needed)} with quantization {scheme}; {gib(free)} are free on {device}.", hint
    )


def gib(size: int) -> str:
    """Return a number of bytes as people say it."""
    return f"{size / GIB:.1f} GiB"


def _available() -> int:
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        fields = dict(line.split(":", 1) for line in meminfo.read_text("ascii").splitlines())
        return int(fields["MemAvailable"].split()[0]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
