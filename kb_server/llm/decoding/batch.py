"""Decoding several answers together: one pass of the model gives each of them its next token.

There is no thread for it. A reader who wants a token and has none computes the next one for all who take part, so a
model that nobody waits for computes nothing, and a closed answer takes part in no further pass. What goes wrong with
one answer is kept for its own reader, whichever thread computed it; the other answers go on.
"""

import threading
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from inspect import signature
from typing import TYPE_CHECKING, Any

from kb_server.core.answers import Sampling
from kb_server.core.errors import GenerationFailed
from kb_server.core.ports import TokenMixer
from kb_server.llm.decoding.key_layer import KeyLayer
from kb_server.llm.decoding.prefix_cache import PrefixCache, cache_of, pairs_of
from kb_server.llm.decoding.sampling import check_logits, choose
from kb_server.llm.weights.loading import LoadedModel
from kb_server.runtime.once import made_once

if TYPE_CHECKING:
    import torch

_AHEAD = 4  # tokens that are computed for a reader who does not fetch them


@dataclass(eq=False, slots=True)
class Row:
    """An answer in the making: ids of prompt and answer, what is computed and not fetched, and its keys and values.

    `read` counts the ids that are in the cache, the row's own or the one it shares with others. An `error` is raised to
    the row's reader behind the tokens that are ready.
    """

    ids: list[int]
    limit: int
    sampling: Sampling
    random: "torch.Generator"
    mixer: TokenMixer | None = None
    ready: deque[int] = field(default_factory=deque)
    cache: Any = None
    read: int = 0
    written: int = 0
    done: bool = False
    error: Exception | None = None


class Decoder:
    """Computes tokens with one model, for many threads."""

    def __init__(self, loaded: LoadedModel, prefixes: PrefixCache) -> None:
        self._loaded = loaded
        self._prefixes = prefixes
        self._lock = threading.Lock()
        self._rows: list[Row] = []
        self._batch: list[Row] = []
        self._cache: Any = None
        self._takes_places = "position_ids" in signature(loaded.model.forward).parameters

    @made_once
    def keys(self) -> KeyLayer:
        """Where the hidden states for kNN-LM come from; raises GenerationFailed if the model has no such place."""
        return KeyLayer(self._loaded.model)

    def tokens(
        self, prompt: list[int], sampling: Sampling, limit: int, mixer: TokenMixer | None = None
    ) -> Generator[int, None, None]:
        """Yield up to `limit` ids, without the one that ends the answer; closing it stops the computing.

        A mixer is asked before each of them is chosen.
        """
        import torch

        random = torch.Generator(self._loaded.model.device).manual_seed(sampling.seed)
        row = Row(list(prompt), limit, sampling, random, mixer)
        try:
            while (token := self._next(row)) is not None:
                yield token
        finally:
            with self._lock:
                self._leave(row)

    def read(
        self, ids: Sequence[int], last: int, *, scored: bool
    ) -> "tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor] | None]":
        """Return the hidden state before each of the last ids [last, size].

        If `scored`, also their log-probabilities, and the entropy of the distribution that each was taken from.
        """
        import torch

        kept = dict.fromkeys(self._loaded.last_logits, last if scored else 1)
        model = self._loaded.model
        read = torch.tensor([list(ids[:-1])], device=model.device)
        with self._lock, torch.inference_mode(), self.keys.listening() as heard:
            output = model(input_ids=read, use_cache=False, **kept)
        states = heard[0][0, -last:].float()
        if not scored:
            return states, None
        probabilities = output.logits[0, -last:].float().log_softmax(-1)
        followed = torch.tensor(list(ids[-last:]), device=model.device)
        entropy = torch.special.entr(probabilities.exp()).sum(-1)
        return states, (probabilities.gather(1, followed[:, None])[:, 0], entropy)

    def _next(self, row: Row) -> int | None:
        with self._lock:
            if not row.ready and not row.done:
                self._compute(row)
            if row.ready:
                return row.ready.popleft()
            if row.error is not None:
                raise row.error
            return None

    def _compute(self, row: Row) -> None:
        """Compute the next token of a row and of those that take part; each row's error is kept for its reader."""
        import torch

        rows = self._taking_part(row) if row.written else [row]
        with torch.inference_mode():
            try:
                logits, states = self._pass(rows) if row.written else self._read_prompt(row)
            except Exception as error:  # noqa: BLE001 - raised to the readers of all these answers
                # A pass may have left the shared cache half written; a prompt is read into one of its own.
                self._fail([*rows, *self._batch] if row.written else [row], error)
                return
            for number, one in enumerate(rows):
                self._advance(one, logits[number], None if states is None else states[number])

    def _read_prompt(self, row: Row) -> "tuple[torch.Tensor, torch.Tensor | None]":
        """Read what no earlier prompt began with; return what `_pass` does for this one row."""
        known, pairs = self._prefixes.longest(row.ids) if self._loaded.reusable else (0, [])
        with self._listening([row]) as heard:
            output = self._forward(row.ids[known:], cache_of(pairs) if known else None)
        row.cache, row.read = output.past_key_values, len(row.ids)
        if self._loaded.reusable and (read := pairs_of(row.cache)) is not None:
            self._prefixes.keep(row.ids, read)
        self._rows.append(row)
        return output.logits[:, -1], heard[0][:, -1] if heard else None

    def _pass(self, rows: list[Row]) -> "tuple[torch.Tensor, torch.Tensor | None]":
        """Return logits [rows, vocabulary] of each row's next token, and with a mixer states [rows, size]."""
        with self._listening(rows) as heard:
            if len(rows) == 1:
                self._split()
                output = self._forward(rows[0].ids[-1:], rows[0].cache)
                rows[0].cache = output.past_key_values
            else:
                self._gather(rows)
                output = self._forward_batch(rows)
                self._cache = output.past_key_values
        for row in rows:
            row.read += 1
        return output.logits[:, -1], heard[0][:, -1] if heard else None

    def _advance(self, row: Row, logits: "torch.Tensor", state: "torch.Tensor | None") -> None:
        """Give a row its next token, or the error that choosing it raised."""
        try:
            token = _chosen(row, logits, state)
        except Exception as error:  # noqa: BLE001 - raised to the reader of this answer
            row.error = error
            self._leave(row)
            return
        row.written += 1
        if token in self._loaded.ends:
            self._leave(row)
            return
        row.ids.append(token)
        row.ready.append(token)
        if row.written >= row.limit:
            self._leave(row)

    def _fail(self, rows: list[Row], error: Exception) -> None:
        """End the answers whose next token could not be computed, but for those that were complete already."""
        import torch

        failed = [row for row in dict.fromkeys(rows) if not row.done]
        if isinstance(error, torch.OutOfMemoryError):
            error = _too_much(len(failed), max(len(row.ids) for row in failed), error)
        for row in failed:
            row.error = error
            self._leave(row)

    def _taking_part(self, row: Row) -> list[Row]:
        """Return the rows of the next pass: those whose readers keep up, if their caches can be put together."""
        if not self._loaded.reusable or pairs_of(row.cache if row.cache is not None else self._cache) is None:
            return [row]
        return [other for other in self._rows if other is row or len(other.ready) < _AHEAD]

    def _listening(self, rows: list[Row]) -> "AbstractContextManager[list[torch.Tensor]]":
        return self.keys.listening(len(rows)) if any(row.mixer for row in rows) else nullcontext([])

    def _leave(self, row: Row) -> None:
        """Let a row take part no more; its place in the shared cache goes when the others are next put together."""
        if row in self._rows:
            self._rows.remove(row)
        row.cache, row.done = None, True
        if all(other.done for other in self._batch):
            self._batch, self._cache = [], None

    def _gather(self, rows: list[Row]) -> None:
        """Put the rows' keys and values into one cache."""
        if self._batch == rows:
            return
        self._split()
        own = [pairs_of(row.cache) or [] for row in rows]
        longest = max(row.read for row in rows)
        layers = []
        for layer in zip(*own, strict=True):
            keys, values = zip(*layer, strict=True)
            layers.append((_stacked(keys, longest), _stacked(values, longest)))
        self._cache, self._batch = cache_of(layers), list(rows)
        for row in rows:
            row.cache = None

    def _split(self) -> None:
        """Give each row of the last pass that goes on its own keys and values back."""
        pairs = pairs_of(self._cache) if self._batch else None
        for number, row in enumerate(self._batch if pairs else []):
            if row.done:
                continue
            own = slice(number, number + 1)
            start = (pairs[0][0].shape[2] if pairs else 0) - row.read
            row.cache = cache_of([(k[own, :, start:], v[own, :, start:]) for k, v in pairs or []])
        self._batch, self._cache = [], None

    def _forward(self, ids: list[int], cache: Any) -> Any:  # noqa: ANN401 - transformers' own shapes
        import torch

        model = self._loaded.model
        read = torch.tensor([ids], device=model.device)
        return model(input_ids=read, past_key_values=cache, use_cache=True, **self._loaded.last_logits)

    def _forward_batch(self, rows: list[Row]) -> Any:  # noqa: ANN401 - see above
        import torch

        model = self._loaded.model
        longest = max(row.read for row in rows)
        read = torch.tensor([row.ids[-1:] for row in rows], device=model.device)
        seen = [[0] * (longest - row.read) + [1] * (row.read + 1) for row in rows]
        mask = torch.tensor(seen, device=model.device)
        places = {"position_ids": mask.sum(1, keepdim=True) - 1} if self._takes_places else {}
        return model(
            input_ids=read,
            attention_mask=mask,
            past_key_values=self._cache,
            use_cache=True,
            **places,
            **self._loaded.last_logits,
        )


def _stacked(parts: "Sequence[torch.Tensor]", longest: int) -> "torch.Tensor":
    """Return [rows, heads, longest, size], with empty places before what is shorter."""
    import torch
    from torch.nn.functional import pad

    return torch.cat([pad(part, (0, 0, longest - part.shape[2], 0)) for part in parts])


def _chosen(row: Row, logits: "torch.Tensor", state: "torch.Tensor | None") -> int:
    """Return the next id of a row from logits [vocabulary]; its mixer is asked before, and told afterwards."""
    if row.mixer and state is not None:
        check_logits(logits)
        logits = _mixed(row.mixer, logits, state)
    token = choose(logits, row.sampling, row.random, row.ids)
    if row.mixer:
        row.mixer.chosen(token)
    return token


def _mixed(mixer: TokenMixer, logits: "torch.Tensor", state: "torch.Tensor") -> "torch.Tensor":
    import torch

    mixed = mixer.mix(logits.float().cpu().numpy(), state.float().cpu().numpy())
    return logits if mixed is None else torch.from_numpy(mixed).to(logits.device)


def _too_much(answers: int, tokens: int, cause: Exception) -> GenerationFailed:
    error = GenerationFailed(
        f"There is not enough memory for {answers} answers after {tokens} tokens.", "Ask with fewer passages."
    )
    error.__cause__ = cause
    return error
