"""Models that read the prompt with an encoder (T5, BART): prompt and decoding."""

import threading
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from kb_server.core.answers import Message, Sampling
from kb_server.core.ports import TokenMixer
from kb_server.llm.decoding.codec import clean
from kb_server.llm.decoding.key_layer import KeyLayer
from kb_server.llm.decoding.sampling import choose

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class PlainPrompt:
    """A codec without roles: such models read one text, so the messages are put one below the other."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        self._tokenizer = tokenizer
        self.special_ids = frozenset(tokenizer.all_special_ids)

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """Return the ids of all texts and the marks that the model expects around them."""
        text = "\n\n".join(message.content for message in messages)
        return list(self._tokenizer(clean(text), split_special_tokens=True)["input_ids"])

    def encode_content(self, text: str) -> list[int]:
        """Return the ids of plain text without special tokens."""
        ids = self._tokenizer(clean(text), add_special_tokens=False, split_special_tokens=True)["input_ids"]
        return [id_ for id_ in ids if id_ not in self.special_ids]

    def lead(self) -> list[int]:
        """Return nothing: the decoder's own start mark comes first."""
        return []

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids; special tokens leave no trace."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False))


class Seq2SeqDecoder:
    """Computes tokens one answer at a time; answers at once take turns by the token."""

    def __init__(self, model: Any, ends: frozenset[int]) -> None:  # noqa: ANN401 - half of what is called on a model has no types
        self._model = model
        self._ends = ends
        self._lock = threading.Lock()

    def tokens(
        self, prompt: list[int], sampling: Sampling, limit: int, mixer: TokenMixer | None = None
    ) -> Generator[int, None, None]:
        """Yield up to `limit` ids, without the one that ends the answer; raises GenerationFailed if given a mixer."""
        if mixer is not None:
            KeyLayer(self._model)  # says why such a model has no keys
        import torch

        device = self._model.device
        random = torch.Generator(device).manual_seed(sampling.seed)
        with self._lock, torch.inference_mode():
            read = self._model.get_encoder()(input_ids=torch.tensor([prompt], device=device))
        last, cache, written = self._model.config.decoder_start_token_id, None, list[int]()
        while len(written) < limit:
            with self._lock, torch.inference_mode():
                ids = torch.tensor([[last]], device=device)
                output = self._model(encoder_outputs=read, decoder_input_ids=ids, past_key_values=cache, use_cache=True)
                last, cache = choose(output.logits[0, -1], sampling, random, written), output.past_key_values
            if last in self._ends:
                return
            written.append(last)
            yield last
