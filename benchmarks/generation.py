"""Local language models: speed and memory of the backends, each beside its neighbour in one run.

    python -m benchmarks.generation [--rounds N] [--threads N] [--full FOLDER]

Uses the bundled SmolLM2-135M and a random Glm of 149 M parameters in ChatGLM3's published layout. With `--full` a
random checkpoint of ChatGLM3-6B's shape (12.5 GB, seven shards) is written to FOLDER if it is not there, and loaded in
nf4 and int4 in processes of their own. Jobs take turns; medians of the processor's seconds, which other programs beside
this one do not change much.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.report import peak_memory
from kb_server.core.answers import Message, Quantization, Sampling
from kb_server.llm.engines.transformers import TransformersGenerator
from kb_server.llm.model_files import BUNDLED, smollm2
from tests.models import published

PASSAGES = (
    "The meeting room on the third floor has twelve seats and a projector that must be booked a day before. " * 30
)
TOKENS = 24
GREEDY = Sampling(max_tokens=TOKENS)
SCHEMES = (Quantization.NONE, Quantization.NF4, Quantization.INT4, Quantization.INT8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--full", type=Path)
    parser.add_argument("--load", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.load:
        load_alone(Path(asked.load[0]), Quantization(asked.load[1]))
        return
    torch.set_num_threads(asked.threads)
    with tempfile.TemporaryDirectory() as folder:
        table = Table("what", "median", "beside", "ratio")
        llama_cpp(table, asked.rounds, asked.threads)
        prefix(table, Path(folder), asked.rounds)
        decode(table, random_glm(Path(folder)), asked.rounds)
        Console().print(table)
    if asked.full:
        Console().print(full_size(asked.full))


def llama_cpp(table: Table, rounds: int, threads: int) -> None:
    """Our backend beside llama-cpp-python itself, same prompt ids, same settings."""
    try:
        from llama_cpp import Llama
    except ImportError:
        table.add_row("llama.cpp backend", "skipped: llama-cpp-python is not installed", "", "")
        return
    from kb_server.llm.engines.llama_cpp import LlamaCppGenerator

    question = [Message("user", "Tell me a long story about the sea.")]
    generator = LlamaCppGenerator(BUNDLED, threads=threads, window=1024, device="cpu")
    ids = generator._loaded()[1].encode(question)
    peer = Llama(str(smollm2()), n_ctx=1024, n_batch=512, n_threads=threads, use_mmap=False, verbose=False)

    def ours() -> int:
        return sum(1 for _ in generator.stream(question, GREEDY))

    def theirs() -> int:
        made = peer.generate(ids, top_k=1, temp=0.0, repeat_penalty=1.0, min_p=0.0, top_p=1.0)
        text = b"".join(peer.detokenize([next(made)]) for _ in range(TOKENS))
        return len(text) and TOKENS

    mine, other = alternating(rounds, ours, theirs)
    table.add_row(
        f"llama.cpp backend, {TOKENS} tokens, s", f"{mine:.3f}", f"llama-cpp-python {other:.3f}", f"{other / mine:.2f}"
    )


def prefix(table: Table, folder: Path, rounds: int) -> None:
    """Time to the first token of a second question about the same passages, with and without the prefix cache."""
    cached = TransformersGenerator(BUNDLED, cache=folder, device="cpu")
    fresh = TransformersGenerator(BUNDLED, cache=folder, device="cpu", prefix_cache=0)
    numbers = iter(range(10_000))

    def first_token(generator: TransformersGenerator) -> None:
        text = f"{PASSAGES}\n\nQuestion {next(numbers)}: who books the room?"
        stream = generator.stream([Message("user", text)], GREEDY)
        next(stream)
        stream.close()  # type: ignore[attr-defined]

    first_token(cached)
    first_token(fresh)
    mine, other = alternating(rounds, lambda: first_token(cached), lambda: first_token(fresh))
    tokens = cached.count_tokens([Message("user", PASSAGES)])
    table.add_row(
        f"first token, {tokens} tokens known, s", f"{mine:.3f}", f"without cache {other:.3f}", f"{mine / other:.2f}"
    )


def random_glm(folder: Path) -> Path:
    """Write a random ChatGLM3 of 149 M parameters."""
    shape = {
        "hidden_size": 1024,
        "ffn_hidden_size": 2816,
        "kv_channels": 64,
        "num_attention_heads": 16,
        "seq_length": 2048,
    }
    config, weights = published.chatglm23(8192, layers=12, **shape)
    halves = {name: tensor.half() for name, tensor in weights.items()}
    return published.write(folder / "chatglm3-149m", config, halves, published.sentencepiece_model(), "safetensors", 1)


def _full_width(device: str) -> torch.dtype:  # noqa: ARG001 - in the place of a function that asks the device
    return torch.float32


def decode(table: Table, folder: Path, rounds: int) -> None:
    """Tokens per second of the transformers backend in each scheme beside 32 bits, and of four answers at once."""
    import kb_server.llm.weights.loading as loading

    bits, loading.fast_dtype = loading.fast_dtype, _full_width
    full = TransformersGenerator(str(folder), device="cpu")
    full.count_tokens([])
    loading.fast_dtype = bits
    prompt = full._loaded().codec.encode([Message("user", "你好")])

    def seconds(generator: TransformersGenerator, answers: int = 1) -> Callable[[], None]:
        decoder = generator._made_ready().decoder

        def run() -> None:
            streams = [decoder.tokens([*prompt, number], GREEDY, TOKENS) for number in range(3, 3 + answers)]
            while streams:
                streams = [stream for stream in streams if next(stream, None) is not None]

        return run

    for scheme in SCHEMES:
        generator = TransformersGenerator(str(folder), device="cpu", quantization=scheme)
        mine, other = alternating(rounds, seconds(generator), seconds(full))
        name = "bf16" if scheme is Quantization.NONE and bits("cpu") is torch.bfloat16 else str(scheme)
        table.add_row(f"{name}, tokens/s", f"{TOKENS / mine:.1f}", f"fp32 {TOKENS / other:.1f}", f"{other / mine:.2f}")
        four, one = alternating(rounds, seconds(generator, 4), seconds(generator))
        row = f"{4 * TOKENS / four:.1f}", f"one {TOKENS / one:.1f}", f"{4 * one / four:.2f}"
        table.add_row(f"{name}, four answers together, tokens/s", *row)


def full_size(folder: Path) -> Table:
    """Peak memory of loading ChatGLM3-6B's shape, a process for each scheme."""
    if not (folder / "config.json").is_file():
        write_full_size(folder)
    shard = max(file.stat().st_size for file in folder.glob("*.safetensors")) / 1024**3
    table = Table(
        "scheme", "quantized GiB", "largest shard GiB", "peak RSS GiB", "limit GiB", "load s", "decode tokens/s"
    )
    for scheme in (Quantization.NF4, Quantization.INT4):
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.generation", "--load", str(folder), str(scheme)]
        said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        limit = 1.15 * said["weights"] + shard
        numbers = (said["weights"], shard, said["peak"], limit, said["seconds"], said["speed"])
        table.add_row(str(scheme), *(f"{number:.2f}" for number in numbers))
    return table


def load_alone(folder: Path, scheme: Quantization) -> None:
    """Load in this process and print what it took as JSON."""
    started = time.perf_counter()
    generator = TransformersGenerator(str(folder), device="cpu", quantization=scheme)
    model = generator._loaded().model
    seconds = time.perf_counter() - started
    peak = 1e3 * peak_memory() / 1024**2
    held = [*model.parameters(), *model.buffers()]
    weights = sum({tensor.data_ptr(): tensor.nbytes for tensor in held}.values()) / 1024**3
    tokens = generator._made_ready().decoder.tokens([5, 6, 7, 8], GREEDY, 8)
    next(tokens)
    begun = time.perf_counter()
    count = sum(1 for _ in tokens)
    speed = count / (time.perf_counter() - begun)
    Console().print_json(data={"weights": weights, "peak": peak, "seconds": seconds, "speed": speed}, indent=None)


def write_full_size(folder: Path) -> None:
    """Write ChatGLM3-6B's shape in seven shards; all layers have the same random numbers."""
    from safetensors.torch import save_file

    shape: dict[str, Any] = {
        "hidden_size": 4096,
        "ffn_hidden_size": 13696,
        "kv_channels": 128,
        "num_attention_heads": 32,
        "seq_length": 8192,
    }
    config, one = published.chatglm23(65024, layers=1, **shape)
    halves = {name: tensor.half() for name, tensor in one.items()}
    folder.mkdir(parents=True, exist_ok=True)
    outside = {name: tensor for name, tensor in halves.items() if ".layers." not in name}
    layer = {name: tensor for name, tensor in halves.items() if ".layers." in name}
    place: dict[str, str] = {}
    for part in range(7):
        numbers = range(4 * part, 4 * part + 4)
        tensors = {
            name.replace("layers.0", f"layers.{n}"): tensor.clone() for n in numbers for name, tensor in layer.items()
        }
        kept = list(outside)[part::7]
        tensors |= {name: outside[name] for name in kept}
        file = f"model-{part + 1:05}-of-00007.safetensors"
        save_file(tensors, folder / file)
        place |= dict.fromkeys(tensors, file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": place}), "utf-8")
    (folder / "tokenizer.model").write_bytes(published.sentencepiece_model())
    (folder / "config.json").write_text(
        json.dumps(config | {"num_layers": 28, "_name_or_path": "chatglm3-6b"}), "utf-8"
    )


def alternating(rounds: int, first: Callable[[], object], second: Callable[[], object]) -> tuple[float, float]:
    """Return the median processor seconds of two jobs that take turns."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for job, kept in zip((first, second), times, strict=True):
            started = time.process_time()
            job()
            kept.append(time.process_time() - started)
    return median(times[0]), median(times[1])


if __name__ == "__main__":
    main()
