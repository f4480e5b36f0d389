"""What every benchmark says beside its figures: the hardware, and the figures again as JSON."""

import json
import os
import platform
import resource
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from kb_server.runtime.processors import cores

FOLDER = Path("bench-results")
_FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16")


def hardware() -> dict[str, Any]:
    """Return processor, cores, memory and load of this machine, and the versions that matter."""
    processor = _lines("/proc/cpuinfo")
    memory = _lines("/proc/meminfo").get("MemTotal", "0 kB").split()[0]
    flags = processor.get("flags", "").split()
    return {
        "processor": processor.get("model name", platform.processor()),
        "instructions": [flag for flag in _FLAGS if flag in flags],
        "cores": cores(),
        "memory_gb": round(int(memory) / 1e6, 1),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        **{name: _version(name) for name in ("torch", "openvino", "sentence-transformers", "faiss-cpu")},
    }


def save(name: str, figures: Mapping[str, Any]) -> None:
    """Print the hardware and where the figures lie as JSON."""
    machine = hardware()
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / f"{name}.json"
    file.write_text(json.dumps({"hardware": machine, "figures": figures}, ensure_ascii=False, indent=1) + "\n", "utf-8")
    shown = f"{machine['cores']} cores of {machine['processor']} ({' '.join(machine['instructions'])})"
    print(f"{shown}, {machine['memory_gb']} GB, load {machine['load']}; {file}")


def peak_memory() -> float:
    """Return this process's highest resident size so far, in MB; getrusage would count its parent's too."""
    return int(_lines("/proc/self/status")["VmHWM"].split()[0]) / 1e3


def resident() -> float:
    """Return this process's resident size now, in MB."""
    return int(_lines("/proc/self/status")["VmRSS"].split()[0]) / 1e3


def anonymous() -> float:
    """Return what of that is no mapped file, in MB: pages of files are given back when memory is short."""
    return int(_lines("/proc/self/status")["RssAnon"].split()[0]) / 1e3


def processor_seconds() -> float:
    """Return what this process and its ended children have computed."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in spent)


def _lines(file: str) -> dict[str, str]:
    try:
        text = Path(file).read_text()
    except OSError:
        return {}  # not Linux
    pairs = (line.partition(":") for line in text.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "-"
