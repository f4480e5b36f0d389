"""GGUF files for transformers: read and dequantized once, then kept as safetensors, which load in a second.

transformers needs 15 to 20 s for the 98 MB of SmolLM2 on two cores (it parses the file three times), and its own
`from_pretrained(gguf_file=…)` asks for accelerate on top; the pieces it is made of do not.
"""

import shutil
import tempfile
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from kb_server.runtime.model_files import file_sha256

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def load_gguf(path: Path, dtype: "torch.dtype") -> "tuple[PreTrainedModel, PreTrainedTokenizerBase]":
    """Return the dequantized model and its tokenizer; ValueError if transformers cannot read its architecture."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

    place = {"gguf_file": path.name, "local_files_only": True}
    tokenizer = AutoTokenizer.from_pretrained(path.parent, **place)
    config = AutoConfig.from_pretrained(path.parent, **place)
    with torch.device("meta"):
        names = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
    with redirect_stderr(StringIO()):  # its progress bar has no switch that transformers' own reaches
        read = load_gguf_checkpoint(  # type: ignore[no-untyped-call]
            str(path), return_tensors=True, model_to_load=names, torch_dtype=dtype
        )
    model = type(names).from_pretrained(None, config=config, state_dict=read["tensors"], dtype=dtype)
    return model, tokenizer


def converted(path: Path, cache: Path, dtype: "torch.dtype") -> Path:
    """Return a folder below `cache` with the same model as safetensors; made the first time.

    Several processes may do this at once: each writes a folder of its own, and the first to finish gives its name.
    """
    import transformers

    target = cache / f"{path.stem}-{file_sha256(path)[:16]}-{transformers.__version__}"
    if not target.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{path.stem}-", dir=cache))
        try:
            for part in load_gguf(path, dtype):
                part.save_pretrained(made)
            _give_name(made, target)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return target


def _give_name(made: Path, target: Path) -> None:
    try:
        made.replace(target)
    except OSError:
        if not target.is_dir():
            raise
