"""Weights in 4 and 8 bits: exact packing, small errors, identical tokens after saving, and what cannot be done."""

import json
from pathlib import Path
from typing import Any

import pytest

from kb_server.core.answers import Message, Quantization, Sampling
from kb_server.core.errors import AlreadyExists, GenerationFailed, ModelNotFound, NotEnoughMemory, UsageError
from tests.models import published, reference

torch = pytest.importorskip("torch", reason="needs the extra `generate`")
bitsandbytes = pytest.importorskip("bitsandbytes", reason="needs the extra `quantize`")

from kb_server.llm.engines.transformers import TransformersGenerator  # noqa: E402
from kb_server.llm.weights import memory, quantization  # noqa: E402 - after the packages are known to be there
from kb_server.llm.weights.int4_linear import Int4Linear, dequantize_published, pack, unpack  # noqa: E402
from kb_server.llm.weights.loading import load_folder, load_weights  # noqa: E402
from kb_server.llm.weights.saving import convert_native, save_quantized  # noqa: E402
from kb_server.llm.weights.skeleton import ModelFiles  # noqa: E402

VOCABULARY = published.sentencepiece_model()
ROWS = 400
HELLO = [Message("user", "你好，世界")]
SCHEMES = [Quantization.NF4, Quantization.INT4, Quantization.INT8]
MOST = {
    Quantization.NF4: 0.4,
    Quantization.INT4: 0.4,
    Quantization.INT8: 0.05,
}  # relative error of a random model's logits


@pytest.fixture(scope="module")
def chatglm3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config, weights = published.chatglm23(ROWS)
    return published.write(tmp_path_factory.mktemp("models") / "chatglm3-6b", config, weights, VOCABULARY)


def logits_of(model: Any) -> Any:  # noqa: ANN401 - a model has no types
    with torch.inference_mode():
        return model(input_ids=torch.arange(3, 60)[None]).logits.float()


def answer(folder: Path, scheme: Quantization) -> str:
    generator = TransformersGenerator(str(folder), device="cpu", quantization=scheme)
    return "".join(generator.stream(HELLO, Sampling(max_tokens=24, temperature=1.0, seed=5)))


def test_packing_is_exact_both_ways() -> None:
    values = torch.randint(0, 16, (37, 64), dtype=torch.uint8)
    assert torch.equal(unpack(pack(values)), values)


@pytest.mark.parametrize(("rows", "columns"), [(16, 32), (48, 64), (1040, 128)])
def test_the_kernels_layout_gives_its_values_back(rows: int, columns: int) -> None:
    values = torch.randint(0, 16, (rows, columns), dtype=torch.uint8)
    layer = Int4Linear(values, torch.ones(columns // 32, rows, 2), None)
    assert torch.equal(layer.values(), values)
    assert torch.equal(Int4Linear.from_saved(layer.saved()).values(), values)


def test_a_published_packed_layer_is_what_its_scales_say() -> None:
    weight = torch.randn(64, 128)
    packed, plain = published.packed_int4({"x.layers.0.weight": weight})
    nibbles, scale = packed["x.layers.0.weight"], packed["x.layers.0.weight_scale"]
    assert torch.equal(dequantize_published(nibbles, scale), plain["x.layers.0.weight"])
    layer = Int4Linear.from_published(nibbles, scale, None)
    x = torch.randn(5, 128, dtype=torch.bfloat16)
    expected = x.float() @ plain["x.layers.0.weight"].T
    assert (layer(x).float() - expected).norm() / expected.norm() < 5e-3


def test_a_layer_the_kernel_cannot_take_names_the_alternative() -> None:
    with pytest.raises(GenerationFailed, match=r"'mlp\.up' has 20 x 64.*nf4 or int8"):
        Int4Linear.quantize(torch.zeros(20, 64), None, "mlp.up")


@pytest.mark.parametrize(("rows", "columns"), [(200, 192), (301, 37), (64, 64), (3, 5)])
def test_a_matrix_quantized_in_pieces_is_bitsandbytes_own(
    monkeypatch: pytest.MonkeyPatch, rows: int, columns: int
) -> None:
    monkeypatch.setattr(quantization, "_PIECE", 64 * columns)  # 64 rows
    weight = (torch.randn(rows, columns) * torch.rand(rows, 1)).to(torch.bfloat16)
    whole = bitsandbytes.nn.Linear4bit(columns, rows, bias=False, quant_type="nf4")
    whole.weight = bitsandbytes.nn.Params4bit(weight.clone(), requires_grad=False, quant_type="nf4").to("cpu")
    made = quantization.quantize(weight, None, Quantization.NF4, "layer")
    ours, theirs = made.state_dict(), whole.state_dict()
    assert list(ours) == list(theirs)
    for name, tensor in theirs.items():
        assert ours[name].dtype == tensor.dtype
        assert torch.equal(ours[name], tensor), name
    whole.eval().support_avx512bf16_for_cpu = made.support_avx512bf16_for_cpu  # which decides on the kernel
    known = torch.randn(3, columns, dtype=torch.bfloat16)
    assert torch.equal(made(known), whole(known))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_quantized_logits_are_near_the_full_ones(chatglm3: Path, scheme: Quantization) -> None:
    files = ModelFiles(chatglm3)
    full, less = (logits_of(load_weights(files, kind, "cpu")) for kind in (Quantization.NONE, scheme))
    assert 0 < (less - full).norm() / full.norm() < MOST[scheme]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("first", [False, True])
def test_a_saved_model_gives_identical_tokens(
    tmp_path: Path, chatglm3: Path, scheme: Quantization, first: bool
) -> None:
    source = chatglm3
    if first:
        source = published.write(tmp_path / "chatglm-6b", *published.chatglm1(ROWS + 4), VOCABULARY)
    save_quantized(ModelFiles(source), scheme, tmp_path / "saved")
    assert ModelFiles(tmp_path / "saved").saved_scheme is scheme
    before, after = (load_weights(ModelFiles(folder), scheme, "cpu") for folder in (source, tmp_path / "saved"))
    if not first:
        assert torch.equal(logits_of(before), logits_of(after))
        assert answer(tmp_path / "saved", Quantization.NONE) == answer(source, scheme)
    parameters = zip(before.state_dict().items(), after.state_dict().items(), strict=True)
    assert all(name == other and torch.equal(a, b) for (name, a), (other, b) in parameters)


@pytest.mark.parametrize("layout", ["chatglm2-6b-int4", "chatglm-6b-int4"])
def test_published_int4_stays_packed(tmp_path: Path, layout: str) -> None:
    config, weights = published.chatglm1(ROWS) if layout == "chatglm-6b-int4" else published.chatglm23(ROWS)
    packed, plain = published.packed_int4(weights)
    folder = published.write(tmp_path / layout, config | {"quantization_bit": 4}, packed, VOCABULARY, "bin", 1)
    same = published.write(tmp_path / layout[:-5], config, plain, VOCABULARY, "bin", 1)
    model = load_weights(ModelFiles(folder), Quantization.INT4, "cpu")
    packed_layers = [layer for layer in model.modules() if isinstance(layer, Int4Linear)]
    assert len(packed_layers) == 2 * (4 if layout == "chatglm-6b-int4" else 6)
    ids = torch.tensor([[*range(9, 30), ROWS - 3, ROWS - 2, 7, 8]])
    with torch.inference_mode():
        got, expected = (
            load_weights(ModelFiles(place), kind, "cpu")(input_ids=ids).logits.float()
            for place, kind in ((folder, Quantization.INT4), (same, Quantization.NONE))
        )
    assert (got - expected).norm() / expected.norm() < 2e-2


def test_published_int4_converts_to_a_native_folder(tmp_path: Path) -> None:
    config, weights = published.chatglm23(ROWS)
    packed, plain = published.packed_int4(weights)
    folder = published.write(tmp_path / "chatglm2-6b-int4", config | {"quantization_bit": 4}, packed, VOCABULARY)
    convert_native(ModelFiles(folder), tmp_path / "native")
    from transformers import AutoModelForCausalLM

    native = AutoModelForCausalLM.from_pretrained(tmp_path / "native", local_files_only=True, dtype=torch.float32)
    assert type(native).__name__ == "GlmForCausalLM"
    expected = torch.from_numpy(reference.chatglm23_logits(config, plain, [*range(3, 60)])).float()
    assert (logits_of(native)[0] - expected).norm() / expected.norm() < 1e-3
    assert answer(tmp_path / "native", Quantization.NF4)


def test_a_full_model_converts_to_a_native_folder_without_loss(tmp_path: Path, chatglm3: Path) -> None:
    convert_native(ModelFiles(chatglm3), tmp_path / "native")
    converted, ours = (load_weights(ModelFiles(f), Quantization.NONE, "cpu") for f in (tmp_path / "native", chatglm3))
    assert torch.equal(logits_of(converted), logits_of(ours))
    assert answer(tmp_path / "native", Quantization.NONE) == answer(chatglm3, Quantization.NONE)
    with pytest.raises(UsageError, match="already"):
        convert_native(ModelFiles(tmp_path / "native"), tmp_path / "again")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"quantization_bit": 8}, "packed in 8 bits"),
        ({"quantization_bit": 4, "quantization_embeddings": True}, "with their embeddings"),
        ({"hidden_size": 64}, "config.json describes"),
        ({"num_layers": 3}, "missing model.layers.2"),
        ({"num_layers": 1}, "unknown model.layers.1"),
        ({"rmsnorm": False}, "rmsnorm=False"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    config, weights = published.chatglm23(ROWS)
    folder = published.write(tmp_path / "chatglm3-6b", config | changes, weights, VOCABULARY)
    with pytest.raises(GenerationFailed, match=message):
        load_folder(folder, Quantization.NONE, "cpu")


def test_packed_weights_under_a_full_config_are_refused(tmp_path: Path) -> None:
    config, weights = published.chatglm23(ROWS)
    folder = published.write(tmp_path / "chatglm2-6b", config, published.packed_int4(weights)[0], VOCABULARY)
    with pytest.raises(GenerationFailed, match="same download"):
        load_folder(folder, Quantization.NONE, "cpu")


def test_a_stored_scheme_cannot_become_another(tmp_path: Path, chatglm3: Path) -> None:
    save_quantized(ModelFiles(chatglm3), Quantization.INT4, tmp_path / "saved")
    with pytest.raises(GenerationFailed, match="stored as int4 and cannot be loaded as nf4"):
        load_folder(tmp_path / "saved", Quantization.NF4, "cpu")
    with pytest.raises(UsageError, match="quantized already"):
        save_quantized(ModelFiles(tmp_path / "saved"), Quantization.NF4, tmp_path / "again")
    with pytest.raises(AlreadyExists):
        save_quantized(ModelFiles(chatglm3), Quantization.INT4, tmp_path / "saved")


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="is not a model"):
        load_folder(tmp_path, Quantization.NONE, "cpu")


def test_a_config_that_asks_for_code_is_refused(tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    config = {"model_type": "evil", "auto_map": {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(GenerationFailed, match="code of its own"):
        load_folder(tmp_path, Quantization.NONE, "cpu")
    assert not (tmp_path / "ran").exists()


def test_a_chatglm_that_may_be_either_asks_for_a_mark(tmp_path: Path) -> None:
    folder = published.write(tmp_path / "model", *published.chatglm23(ROWS), VOCABULARY)
    with pytest.raises(GenerationFailed, match=r"ChatGLM2 or ChatGLM3.*kb_layout"):
        load_folder(folder, Quantization.NONE, "cpu")
    (folder / "tokenizer_config.json").write_text('{"added_tokens_decoder": {"64795": {"content": "<|user|>"}}}')
    assert ModelFiles(folder).layout == "chatglm3"


def test_cuda_that_is_absent_is_said_before_loading(chatglm3: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(GenerationFailed, match=r"CUDA is asked for.*auto or cpu"):
        load_folder(chatglm3, Quantization.NF4, "cuda")


def test_too_little_memory_is_known_before_loading(chatglm3: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = memory.Sizes.of(ModelFiles(chatglm3).skeleton(torch.bfloat16))
    monkeypatch.setattr(memory, "free_memory", lambda _: sizes.peak(Quantization.NF4) + 1)
    monkeypatch.setattr("kb_server.llm.weights.loading.tensors", None)
    with pytest.raises(NotEnoughMemory, match=r"quantization none.*Set generation.quantization to nf4"):
        load_folder(chatglm3, Quantization.NONE, "cpu")


def test_the_arithmetic_of_chatglm3_6b(tmp_path: Path) -> None:
    config, _ = published.chatglm23(400, 1)
    full = {
        "hidden_size": 4096,
        "ffn_hidden_size": 13696,
        "num_layers": 28,
        "kv_channels": 128,
        "padded_vocab_size": 65024,
    }
    (tmp_path / "chatglm3-6b").mkdir()
    (tmp_path / "chatglm3-6b" / "config.json").write_text(json.dumps(config | full | {"num_attention_heads": 32}))
    sizes = memory.Sizes.of(ModelFiles(tmp_path / "chatglm3-6b").skeleton(torch.bfloat16))
    assert sizes.linear + sizes.other == 6_243_584_000
    assert sizes.weights(Quantization.NONE) == 2 * 6_243_584_000
    assert sizes.weights(Quantization.NF4) < 4.2e9
    assert sizes.peak(Quantization.NF4) < 6 * memory.GIB


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
@pytest.mark.parametrize("scheme", SCHEMES)
def test_cuda_gives_what_the_cpu_gives(chatglm3: Path, scheme: Quantization) -> None:
    files = ModelFiles(chatglm3)
    cpu, cuda = (load_weights(files, scheme, device) for device in ("cpu", "cuda"))
    with torch.inference_mode():
        got = cuda(input_ids=torch.arange(3, 60, device="cuda")[None]).logits.float().cpu()
    assert (got - logits_of(cpu)).norm() / got.norm() < 0.1
