"""Other models of transformers, tiny and random: read in full and in 4 bits, and with adapters."""

from pathlib import Path
from typing import Any

import pytest

from kb_server.core.answers import Message, Quantization, Sampling
from kb_server.core.errors import GenerationFailed, ModelNotFound
from kb_server.llm.engines.transformers import TransformersGenerator
from tests.models import published

torch = pytest.importorskip("torch", reason="needs the extra `generate`")
pytest.importorskip("bitsandbytes", reason="needs the extra `quantize`")

# What peft asks of transformers is called differently in its newest version; only the tests that use peft say so.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
HELLO = [Message("user", "hello 你好")]
_SMALL = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
_GROUPED = _SMALL | {"num_key_value_heads": 2}
SIZES: dict[str, dict[str, Any]] = {
    "llama": _SMALL,
    "qwen2": _GROUPED | {"tie_word_embeddings": True},
    "glm4": _GROUPED | {"head_dim": 16, "pad_token_id": 0},
    "bloom": {"hidden_size": 64, "n_layer": 2, "n_head": 4},
    "t5": {"d_model": 64, "d_kv": 16, "d_ff": 128, "num_layers": 2, "num_heads": 4, "decoder_start_token_id": 0}
    | {"tie_word_embeddings": False, "initializer_factor": 0.05},  # untouched, a random T5 would end at once
}


def make(folder: Path, kind: str) -> Path:
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM

    rows = save_tokenizer(folder)
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, vocab_size=rows, eos_token_id=2, **SIZES[kind])
    base = AutoModelForSeq2SeqLM if kind == "t5" else AutoModelForCausalLM
    base.from_config(config).save_pretrained(folder)  # type: ignore[no-untyped-call]
    return folder


def save_tokenizer(folder: Path) -> int:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    specials = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
    words = {token: n for n, token in enumerate([*specials, *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    tokenizer = Tokenizer(models.BPE(vocab=words, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token=specials[0],
        bos_token=specials[1],
        eos_token=specials[2],
        chat_template=CHATML,
    )
    fast.save_pretrained(folder)
    return len(words)


def answer(folder: Path, **options: Any) -> str:  # noqa: ANN401 - settings of any kind
    generator = TransformersGenerator(str(folder), device="cpu", **options)
    return "".join(generator.stream(HELLO, Sampling(max_tokens=16, temperature=1.0, seed=1)))


@pytest.mark.parametrize("kind", list(SIZES))
def test_any_model_answers_in_full_and_in_4_bits(tmp_path: Path, kind: str) -> None:
    folder = make(tmp_path / kind, kind)
    assert answer(folder)
    assert answer(folder, quantization=Quantization.NF4)
    assert answer(folder, quantization=Quantization.INT4)


def test_lora_changes_the_answer_and_its_absence_is_named(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft", reason="needs the extra `adapters`")
    from transformers import AutoModelForCausalLM

    folder = make(tmp_path / "llama", "llama")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tuned = peft.get_peft_model(
        model, peft.LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    )
    tuned.save_pretrained(tmp_path / "lora")
    plain = answer(folder)
    assert answer(folder, adapter=tmp_path / "lora") != plain
    assert answer(folder, adapter=tmp_path / "lora", quantization=Quantization.NF4)
    assert answer(folder) == plain
    with pytest.raises(ModelNotFound, match="adapter_config"):
        answer(folder, adapter=tmp_path)


def test_p_tuning_v2_stands_before_the_prompt(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft", reason="needs the extra `adapters`")
    place = tmp_path / "chatglm3-6b"
    folder = published.write(place, *published.chatglm23(400), published.sentencepiece_model())
    plain = TransformersGenerator(str(folder), device="cpu")
    torch.manual_seed(0)
    config = peft.PrefixTuningConfig(
        task_type="CAUSAL_LM",
        num_virtual_tokens=5,
        num_layers=2,
        token_dim=64,
        num_attention_heads=2,
        num_transformer_submodules=1,
    )
    tuned = peft.get_peft_model(plain._loaded().model, config)
    for parameter in tuned.prompt_encoder.parameters():
        torch.nn.init.normal_(parameter, std=3.0)
    tuned.save_pretrained(tmp_path / "prefix")
    before = "".join(plain.stream(HELLO, Sampling(max_tokens=16)))
    after = TransformersGenerator(str(folder), device="cpu", adapter=tmp_path / "prefix")
    got = "".join(after.stream(HELLO, Sampling(max_tokens=16)))
    assert got
    assert got != before


def test_an_adapter_for_another_model_is_refused(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft", reason="needs the extra `adapters`")
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(make(tmp_path / "bloom", "bloom"))
    peft.get_peft_model(model, peft.LoraConfig(target_modules=["query_key_value"])).save_pretrained(tmp_path / "lora")
    with pytest.raises(GenerationFailed, match="does not fit the model"):
        answer(make(tmp_path / "llama", "llama"), adapter=tmp_path / "lora")
