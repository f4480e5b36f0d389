"""ChatGLM-6B, the first one (Du et al. 2022, GLM; the published THUDM/chatglm-6b), which transformers does not have.

What sets it apart: LayerNorm and GELU; residuals scaled by sqrt(2 · layers) and taken after the norm; rotary positions
in two dimensions, one half of a head counting places in the prompt and the other those in the answer; and a prompt that
sees itself in both directions, up to the token that starts the answer. Parameters have the published names.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers import DynamicCache

from kb_server.core.errors import GenerationFailed


@dataclass(frozen=True, slots=True)
class ChatGlmConfig:
    """Sizes and special ids; see the published config.json."""

    hidden_size: int
    inner_hidden_size: int
    num_attention_heads: int
    num_layers: int
    vocab_size: int
    max_sequence_length: int
    layernorm_epsilon: float
    bos_token_id: int
    eos_token_id: int
    gmask_token_id: int
    mask_token_id: int
    is_encoder_decoder: bool = False

    @classmethod
    def from_published(cls, published: Mapping[str, Any]) -> "ChatGlmConfig":
        """Take the published settings; raises GenerationFailed where one is missing or of the early 150k vocabulary."""
        if not published.get("position_encoding_2d", True):
            raise GenerationFailed(
                "This ChatGLM has position_encoding_2d=false, which no published model has.", "Use THUDM/chatglm-6b."
            )
        names = set(cls.__dataclass_fields__) - {"is_encoder_decoder"}
        if missing := sorted(names - set(published)):
            raise GenerationFailed(
                f"The config of this chatglm lacks {', '.join(missing)}.",
                "Use today's edition of THUDM/chatglm-6b; the first weeks' had another vocabulary.",
            )
        return cls(**{name: published[name] for name in names})


@dataclass(slots=True)
class ChatGlmCache:
    """Keys and values of what was read, where the answer starts, and the place of the mask that it fills."""

    start: int
    mask_place: int
    layers: DynamicCache = field(default_factory=DynamicCache)


@dataclass(frozen=True, slots=True)
class ChatGlmOutput:
    """Logits [1, tokens kept, vocabulary] and the cache for the next call."""

    logits: torch.Tensor
    past_key_values: ChatGlmCache


class _Attention(nn.Module):
    def __init__(self, config: ChatGlmConfig, index: int) -> None:
        super().__init__()
        size = config.hidden_size
        self.index = index
        self.heads = config.num_attention_heads
        self.query_key_value = nn.Linear(size, 3 * size)
        self.dense = nn.Linear(size, size)

    def forward(
        self, x: torch.Tensor, turns: list[torch.Tensor], mask: torch.Tensor | None, cache: DynamicCache
    ) -> torch.Tensor:
        batch, length, size = x.shape
        mixed = self.query_key_value(x).view(batch, length, self.heads, -1).transpose(1, 2)
        q, k, v = mixed.chunk(3, -1)
        q, k = _rotated(q, turns), _rotated(k, turns)
        k, v = cache.update(k, v, self.index)
        seen = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        out: torch.Tensor = self.dense(seen.transpose(1, 2).reshape(batch, length, size))
        return out


class _Mlp(nn.Module):
    def __init__(self, config: ChatGlmConfig) -> None:
        super().__init__()
        self.dense_h_to_4h = nn.Linear(config.hidden_size, config.inner_hidden_size)
        self.dense_4h_to_h = nn.Linear(config.inner_hidden_size, config.hidden_size)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.dense_4h_to_h(functional.gelu(self.dense_h_to_4h(x), approximate="tanh"))
        return out


class _Block(nn.Module):
    def __init__(self, config: ChatGlmConfig, index: int) -> None:
        super().__init__()
        self.residual = math.sqrt(2 * config.num_layers)
        self.input_layernorm = nn.LayerNorm(config.hidden_size, config.layernorm_epsilon)
        self.attention = _Attention(config, index)
        self.post_attention_layernorm = nn.LayerNorm(config.hidden_size, config.layernorm_epsilon)
        self.mlp = _Mlp(config)

    def forward(
        self, x: torch.Tensor, turns: list[torch.Tensor], mask: torch.Tensor | None, cache: DynamicCache
    ) -> torch.Tensor:
        x = self.input_layernorm(x)
        x = self.post_attention_layernorm(x * self.residual + self.attention(x, turns, mask, cache))
        out: torch.Tensor = x * self.residual + self.mlp(x)
        return out


class _Transformer(nn.Module):
    def __init__(self, config: ChatGlmConfig) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList([_Block(config, index) for index in range(config.num_layers)])
        self.final_layernorm = nn.LayerNorm(config.hidden_size, config.layernorm_epsilon)


class ChatGlm(nn.Module):
    """The model; called as transformers' causal models are, one prompt at a time."""

    def __init__(self, config: ChatGlmConfig) -> None:
        super().__init__()
        self.config = config
        self.transformer = _Transformer(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)

    @property
    def device(self) -> torch.device:
        """Where the model lies."""
        return self.lm_head.weight.device

    def get_output_embeddings(self) -> nn.Linear:
        """Return the output layer, which is never quantized."""
        return self.lm_head

    def forward(
        self,
        input_ids: torch.Tensor,
        past_key_values: ChatGlmCache | None = None,
        use_cache: bool = True,  # noqa: ARG002 - as transformers' models are called
        logits_to_keep: int = 0,
    ) -> ChatGlmOutput:
        """Read ids [1, tokens]; the first call must hold the whole prompt up to the start of the answer."""
        cache = past_key_values or self._start(input_ids)
        past = cache.layers.get_seq_length()
        x = self.transformer.word_embeddings(input_ids)
        turns = self._turns(cache, past, input_ids.shape[1], x.dtype)
        mask = _mask(cache.start, past, input_ids.shape[1], x.device)
        for block in self.transformer.layers:
            x = block(x, turns, mask, cache.layers)
        x = self.transformer.final_layernorm(x[:, -logits_to_keep:])
        return ChatGlmOutput(self.lm_head(x), cache)

    def _start(self, ids: torch.Tensor) -> ChatGlmCache:
        row = ids[0].tolist()
        marks = (self.config.gmask_token_id, self.config.mask_token_id)
        mark = next((mark for mark in marks if mark in row), None)
        if mark is None or self.config.bos_token_id not in row:
            raise GenerationFailed("A prompt for ChatGLM-6B must end with its mask and the start of the answer.")
        return ChatGlmCache(row.index(self.config.bos_token_id), row.index(mark))

    def _turns(self, cache: ChatGlmCache, past: int, length: int, dtype: torch.dtype) -> list[torch.Tensor]:
        """Return cos and sin [length, head / 2] of the place in the prompt, then those of the place in the answer."""
        places = torch.arange(past, past + length, device=self.device)
        answered = places >= cache.start
        in_prompt = torch.where(answered, cache.mask_place, places)
        in_answer = torch.where(answered, places - cache.start + 1, 0)
        size = self.config.hidden_size // self.config.num_attention_heads // 2
        speeds = 10000.0 ** -(torch.arange(0, size, 2, device=self.device).float() / size)
        angles = [(place[:, None] * speeds).repeat(1, 2) for place in (in_prompt, in_answer)]
        return [wave.to(dtype) for angle in angles for wave in (angle.cos(), angle.sin())]


def _rotated(heads: torch.Tensor, turns: list[torch.Tensor]) -> torch.Tensor:
    """Turn [.., length, head]: its first half by the place in the prompt, its second by that in the answer."""
    first, second = heads.chunk(2, -1)
    return torch.cat([_turn(first, *turns[:2]), _turn(second, *turns[2:])], -1)


def _turn(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    low, high = x.chunk(2, -1)
    return x * cos + torch.cat([-high, low], -1) * sin


def _mask(start: int, past: int, length: int, device: torch.device) -> torch.Tensor | None:
    """Return who sees whom [length, past + length]: all see the prompt, the answer sees what came before it."""
    if length == 1:
        return None
    places = torch.arange(past + length, device=device)
    return (places[None, :] <= places[past:, None]) | (places[None, :] < start)
