"""Tiny random decoders of several families, saved as transformers saves them; every token is a byte."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

_SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 512,
    "initializer_range": 0.5,
}
_GROUPED = _SMALL | {"num_key_value_heads": 2}
FAMILIES: dict[str, dict[str, Any]] = {
    "llama": _SMALL,
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 512, "initializer_range": 0.5, "bos_token_id": 0},
    "qwen2": _GROUPED | {"tie_word_embeddings": True},
    "glm": _GROUPED | {"head_dim": 8, "pad_token_id": 0},
    "gpt_neox": _SMALL | {"use_parallel_residual": True, "bos_token_id": 0},
    "opt": {"hidden_size": 32, "ffn_dim": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "pad_token_id": 0}
    | {"word_embed_proj_dim": 32, "max_position_embeddings": 512, "init_std": 0.5, "bos_token_id": 0},
    "mamba": {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 4, "pad_token_id": 0, "bos_token_id": 0},
    "t5": {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4, "decoder_start_token_id": 0},
}
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def tiny_model(folder: Path, family: str, seed: int = 0, **changes: Any) -> Path:  # noqa: ANN401 - sizes of any kind
    """Write a model of this family into `folder`."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM

    rows = _save_tokenizer(folder)
    torch.manual_seed(seed)
    config = AutoConfig.for_model(family, vocab_size=rows, eos_token_id=2, **{**FAMILIES[family], **changes})
    kind = AutoModelForSeq2SeqLM if family == "t5" else AutoModelForCausalLM
    kind.from_config(config).save_pretrained(folder)  # type: ignore[no-untyped-call]
    return folder


def _save_tokenizer(folder: Path) -> int:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {
        token: number for number, token in enumerate([*SPECIALS, *sorted(pre_tokenizers.ByteLevel.alphabet())])
    }
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        **dict(zip(("pad_token", "bos_token", "eos_token"), SPECIALS, strict=True)),
        chat_template=CHATML,
    )
    fast.save_pretrained(folder)
    return len(vocabulary)


def tiny_reranker(folder: Path, words: Sequence[str], outputs: int = 1) -> Path:
    """Write a random BERT classifier whose vocabulary is these words."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    folder.mkdir()
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(set(words))]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), "utf-8")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        initializer_range=1.0,
    )
    config.num_labels = outputs
    BertForSequenceClassification(config).save_pretrained(folder)
    BertTokenizer(str(folder / "vocab.txt"), model_max_length=64).save_pretrained(folder)
    return folder
