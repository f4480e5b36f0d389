"""LoRA and P-Tuning v2: small trained additions to a model, as peft saves them."""

import warnings
from pathlib import Path
from typing import Any

from kb_server.core.errors import GenerationFailed, MissingExtra, ModelNotFound


class PrefixModel:
    """A model with P-Tuning v2: trained keys and values stand before the prompt, so only the first call adds them."""

    def __init__(self, peft: Any) -> None:  # noqa: ANN401 - half of what is called on a model has no types
        self._peft = peft
        self._base = peft.get_base_model()
        self.config = self._base.config
        self.device = self._base.device

    def forward(self, past_key_values: Any = None, **asked: Any) -> Any:  # noqa: ANN401 - see above
        """Read ids as the base model does."""
        if past_key_values is None:
            return self._peft(**asked)
        return self._base(past_key_values=past_key_values, **asked)

    __call__ = forward


def adapted(model: Any, folder: Path) -> Any:  # noqa: ANN401 - see above
    """Return the model with the adapter in `folder`.

    An adapter is refused if it was made for tensors the model does not have (the published ChatGLM names, say).
    """
    if not (folder / "adapter_config.json").is_file():
        raise ModelNotFound(
            f"The adapter '{folder}' is not there or was not saved by peft: it has no adapter_config.json.",
            "Give the folder that model.save_pretrained wrote.",
        )
    try:
        from peft import PeftModel
    except ImportError as error:
        raise MissingExtra(
            f"Adapters need the package '{error.name}'.", "Run: pip install 'kb-server[adapters]'"
        ) from error
    if not (folder / "adapter_model.safetensors").is_file():
        raise GenerationFailed(
            f"The adapter '{folder}' has no adapter_model.safetensors; other files are not loaded.",
            "Save it again with safe_serialization=True.",
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft and transformers are not always of one age
            made = PeftModel.from_pretrained(model, str(folder), is_trainable=False).eval()
    except (ValueError, RuntimeError, KeyError) as error:
        raise GenerationFailed(
            f"The adapter '{folder}' does not fit the model: {str(error).splitlines()[0]}",
            "Adapters are named after the native classes: for ChatGLM2 and 3 those of `kb models convert`; layers "
            "in int4 take none, so use nf4.",
        ) from error
    return PrefixModel(made) if made.active_peft_config.is_prompt_learning else made.get_base_model()
