"""A model without weights: its class and shapes from config.json, its tables computed, its parameters still empty."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kb_server.core.answers import Quantization
from kb_server.core.errors import GenerationFailed
from kb_server.llm.chatglm.layouts import MARK, Layout, layout_of, read_config

if TYPE_CHECKING:
    import torch
    from torch import nn

SAVED_AS = "kb_quantization"  # the scheme of weights that `kb models quantize` saved, in their config.json


class ModelFiles:
    """A model folder, understood: its config, its published layout if it is one of ChatGLM's, how it was quantized."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config: dict[str, Any] = read_config(folder)
        self.layout: Layout | None = layout_of(folder, self.config)

    @property
    def saved_scheme(self) -> Quantization:
        """The scheme that `kb models quantize` saved the weights in; `none` for weights of 16 or 32 bits."""
        return Quantization(self.config.get(SAVED_AS, "none"))

    @property
    def published_int4(self) -> bool:
        """Whether these are ChatGLM's own packed 4-bit weights; raises GenerationFailed for another packing."""
        bits = int(self.config.get("quantization_bit") or 0) if self.layout else 0
        if bits not in (0, 4) or (bits and self.config.get("quantization_embeddings")):
            raise GenerationFailed(
                f"The weights in '{self.folder}' are packed in {bits} bits"
                f"{' with their embeddings' if self.config.get('quantization_embeddings') else ''}; only the int4 "
                "checkpoints without packed embeddings can be read.",
                "Use the unpacked model with generation.quantization int8 or nf4.",
            )
        return bits == 4

    @property
    def stored_scheme(self) -> Quantization:
        """The scheme that the weights are packed in; raises GenerationFailed as `published_int4`."""
        return Quantization.INT4 if self.published_int4 else self.saved_scheme

    @property
    def native(self) -> bool:
        """Whether the tensors have transformers' own names."""
        return self.layout is None or bool(self.config.get(MARK) and self.config.get("model_type") == "glm")

    def skeleton(self, dtype: "torch.dtype") -> "nn.Module":
        """Return the model with parameters on torch's meta device and its computed tables in place."""
        from accelerate import init_empty_weights

        with init_empty_weights(include_buffers=False):
            model = self._class(dtype)
        return model.eval()

    def _class(self, dtype: "torch.dtype") -> "nn.Module":
        if self.layout is Layout.CHATGLM:
            from kb_server.llm.chatglm.model import ChatGlm, ChatGlmConfig

            return ChatGlm(ChatGlmConfig.from_published(self.config)).to(dtype)
        return _native_model(self.native_config(), dtype)

    def native_config(self) -> Any:  # noqa: ANN401 - transformers' configs have no common types
        """Return the config for transformers: remapped from the published one, or the folder's own."""
        from transformers import AutoConfig

        if self.layout and not self.native:
            from kb_server.llm.chatglm.native import glm_config

            return glm_config(self.config, self.layout)
        return AutoConfig.from_pretrained(self.folder, local_files_only=True, trust_remote_code=False)


def is_encoder_decoder(config: Mapping[str, Any]) -> bool:
    """Whether the model reads its prompt with an encoder (T5, BART)."""
    return bool(config.get("is_encoder_decoder"))


def _native_model(config: Any, dtype: "torch.dtype") -> "nn.Module":  # noqa: ANN401 - see above
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

    kind = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    model: nn.Module = kind.from_config(config, dtype=dtype)  # type: ignore[no-untyped-call]
    return model
