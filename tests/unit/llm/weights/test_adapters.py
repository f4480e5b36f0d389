"""Adapters: the model computes with what was trained, and one that does not fit is refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kb_server.core.errors import GenerationFailed, ModelNotFound
from tests.models.tiny import tiny_model

torch = pytest.importorskip("torch", reason="needs the extra `generate`")
peft = pytest.importorskip("peft", reason="needs the extra `adapters`")

from kb_server.llm.engines.transformers import PrefixModel, adapted  # noqa: E402 - once the packages are known to be there

# What peft asks of transformers is called differently in its newest version.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

IDS = torch.arange(40, 60)[None]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("tiny"), "llama")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _model(folder: Path) -> Any:  # noqa: ANN401 - a model has no types
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()  # type: ignore[no-untyped-call]


def _logits(model: Any) -> Any:  # noqa: ANN401 - as above
    with torch.inference_mode():
        return model(input_ids=IDS).logits


def test_lora_adds_its_two_factors_to_the_weight(folder: Path, tmp_path: Path) -> None:
    """W + (alpha / r) B A, as Hu et al. 2021 have it: the same as a model whose weights were changed so."""
    torch.manual_seed(0)
    config = peft.LoraConfig(r=4, lora_alpha=12, target_modules=["q_proj"], init_lora_weights=False)
    peft.get_peft_model(_model(folder), config).save_pretrained(tmp_path)
    found = adapted(_model(folder), tmp_path)

    from safetensors.torch import load_file

    changed = _model(folder)
    saved = load_file(tmp_path / "adapter_model.safetensors")
    for number, layer in enumerate(changed.model.layers):
        prefix = f"base_model.model.model.layers.{number}.self_attn.q_proj.lora_"
        layer.self_attn.q_proj.weight.data += 3 * saved[f"{prefix}B.weight"] @ saved[f"{prefix}A.weight"]
    assert torch.allclose(_logits(found), _logits(changed), atol=1e-4)
    assert not torch.allclose(_logits(found), _logits(_model(folder)), atol=1e-2)


def test_a_prefix_is_added_to_the_first_call_and_to_no_other(folder: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = peft.PrefixTuningConfig(
        task_type="CAUSAL_LM",
        num_virtual_tokens=5,
        num_layers=2,
        token_dim=32,
        num_attention_heads=4,
        num_transformer_submodules=1,
    )
    tuned = peft.get_peft_model(_model(folder), config)
    for parameter in tuned.prompt_encoder.parameters():
        torch.nn.init.normal_(parameter, std=3.0)
    tuned.save_pretrained(tmp_path)
    model = adapted(_model(folder), tmp_path)
    assert isinstance(model, PrefixModel)
    whole = _logits(model)
    with torch.inference_mode():
        first = model(input_ids=IDS[:, :12], use_cache=True)
        assert first.past_key_values.get_seq_length() == 12 + 5
        rest = model(input_ids=IDS[:, 12:], past_key_values=first.past_key_values, use_cache=True)
    assert rest.past_key_values.get_seq_length() == 20 + 5
    assert torch.allclose(torch.cat([first.logits, rest.logits], 1), whole, atol=1e-4)
    assert not torch.allclose(whole, _logits(_model(folder)), atol=1e-2)


def test_one_for_other_layers_is_refused(folder: Path, tmp_path: Path) -> None:
    other = _model(tiny_model(tmp_path / "gpt2", "gpt2"))
    config = peft.LoraConfig(target_modules=["c_attn"], fan_in_fan_out=True)
    peft.get_peft_model(other, config).save_pretrained(tmp_path / "lora")
    with pytest.raises(GenerationFailed, match="does not fit the model"):
        adapted(_model(folder), tmp_path / "lora")


def test_a_folder_that_peft_did_not_write_and_one_of_pickles(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"has no adapter_config\.json"):
        adapted(_model(folder), tmp_path)
    (tmp_path / "adapter_config.json").write_text("{}")
    (tmp_path / "adapter_model.bin").write_bytes(b"a pickle")
    with pytest.raises(GenerationFailed, match=r"has no adapter_model\.safetensors; other files are not loaded"):
        adapted(_model(folder), tmp_path)
