"""Loading in 4 and 8 bits beside torchao: seconds, memory and how likely a text is afterwards; one job a process.

    python -m benchmarks.quantized_loading FOLDER own-int4|own-int8|own-nf4|torchao-int4|torchao-int8

FOLDER holds a model of transformers' own in safetensors. torchao is not among the dependencies: install it beside them.
"""

import argparse
import threading
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from kb_server.core.answers import Quantization
from kb_server.llm.weights.loading import load_weights
from kb_server.llm.weights.skeleton import ModelFiles


def load(folder: Path, job: str) -> Any:  # noqa: ANN401 - half of what is called on a model has no types
    """Return the model, loaded by us or by transformers with torchao."""
    by, scheme = job.split("-")
    if by == "own":
        return load_weights(ModelFiles(folder), Quantization(scheme), "cpu")
    from transformers import AutoModelForCausalLM, TorchAoConfig

    if scheme == "int4":  # the stable Int4WeightOnlyConfig has no kernel for a CPU
        workflow = import_module("torchao.prototype.quantization.int4.inference_workflow")
        how = workflow.PrototypeInt4WeightOnlyConfig(group_size=64)
    else:
        how = import_module("torchao.quantization").Int8WeightOnlyConfig()
    options = {"dtype": torch.bfloat16, "device_map": "cpu", "quantization_config": TorchAoConfig(how)}
    return AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, **options)


def memory(field: str) -> int:
    """Return a field of this process's status in MB: RssAnon is its own memory, RssFile what is mapped from files."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) >> 10


def main() -> None:
    """Print one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("job")
    options = parser.parse_args()
    torch.set_num_threads(1)
    before, peak, loaded = memory("RssAnon"), [0], threading.Event()

    def watch() -> None:
        while not loaded.wait(0.01):
            peak[0] = max(peak[0], memory("RssAnon") - before)

    threading.Thread(target=watch, daemon=True).start()
    started = time.process_time()
    model = load(options.folder, options.job).eval()
    seconds = time.process_time() - started
    loaded.set()
    own, mapped = memory("RssAnon") - before, memory("RssFile")
    ids = torch.arange(3, 200)[None]
    with torch.inference_mode():
        logits = model(input_ids=ids).logits[0].float()
    loss = torch.nn.functional.cross_entropy(logits[:-1], ids[0, 1:])
    print(f"{options.job}: {seconds:.1f} s, peak {peak[0]} MB, own {own} MB, mapped {mapped} MB, loss {loss:.3f}")


if __name__ == "__main__":
    main()
