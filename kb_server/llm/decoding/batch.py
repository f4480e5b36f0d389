"""Decoding several answers together: one pass of the model gives each of them its next token.

There is no thread for it. Whoever wants a token and has none computes the next one for all who take part, so a model
that nobody waits for computes nothing, and a closed answer takes part in no further pass.
"""

import threading
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from inspect import signature
from typing import TYPE_CHECKING, Any

from kb_server.core.answers import Sampling
from kb_server.core.errors import GenerationFailed
from kb_server.core.ports import TokenMixer
from kb_server.llm.decoding.key_layer import KeyLayer
from kb_server.llm.decoding.prefix_cache import PrefixCache, cache_of, pairs_of
from kb_server.llm.decoding.sampling import choose
from kb_server.llm.weights.loading import LoadedModel

if TYPE_CHECKING:
    import torch

_AHEAD = 4  # tokens that are computed for a reader who does not fetch them


@dataclass(eq=False, slots=True)
class Row:
    """An answer in the making: ids of prompt and answer, what is computed and not fetched, and its keys and values.

    `read` counts the ids that are in the cache, be it the row's own or the one it shares with others.
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
    error: BaseException | None = None


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

    @cached_property
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
        chances = output.logits[0, -last:].float().log_softmax(-1)
        followed = torch.tensor(list(ids[-last:]), device=model.device)
        unsure = torch.special.entr(chances.exp()).sum(-1)
        return states, (chances.gather(1, followed[:, None])[:, 0], unsure)

    def _next(self, row: Row) -> int | None:
        with self._lock:
            if not row.ready and not row.done:
                self._compute(row)
            if row.error is not None:
                raise row.error
            return row.ready.popleft() if row.ready else None

    def _compute(self, row: Row) -> None:
        import torch

        affected = [row]
        try:
            with torch.inference_mode():
                if row.written == 0:
                    self._read_prompt(row)
                else:
                    affected = self._taking_part(row)
                    self._pass(affected)
        except torch.OutOfMemoryError as error:
            raised = GenerationFailed(
                f"There is not enough memory for {len(affected)} answers after {len(row.ids)} tokens.",
                "Ask with fewer passages.",
            )
            raised.__cause__ = error
            for other in affected:
                other.error, other.done = raised, True
            self._batch, self._cache = [], None

    def _read_prompt(self, row: Row) -> None:
        """Read what no earlier prompt began with, and choose the first token."""
        known, pairs = self._prefixes.longest(row.ids) if self._loaded.reusable else (0, [])
        prompt = list(row.ids)
        with self._listening([row]) as heard:
            output = self._forward(row.ids[known:], cache_of(pairs) if known else None)
        row.cache, row.read = output.past_key_values, len(prompt)
        if self._loaded.reusable and (read := pairs_of(row.cache)) is not None:
            self._prefixes.keep(prompt, read)
        self._take(row, output.logits[0, -1], heard[0][0, -1] if heard else None)
        if not row.done:
            self._rows.append(row)

    def _pass(self, rows: list[Row]) -> None:
        """Compute the next token of each row."""
        with self._listening(rows) as heard:
            if len(rows) == 1:
                self._split()
                output = self._forward(rows[0].ids[-1:], rows[0].cache)
                rows[0].cache = output.past_key_values
            else:
                self._gather(rows)
                output = self._forward_batch(rows)
                self._cache = output.past_key_values
        for number, (row, logits) in enumerate(zip(rows, output.logits[:, -1], strict=True)):
            row.read += 1
            self._take(row, logits, heard[0][number, -1] if heard else None)
        for row in [row for row in rows if row.done]:
            self._leave(row)

    def _taking_part(self, row: Row) -> list[Row]:
        """Return the rows of the next pass: those whose readers keep up, if their caches can be put together."""
        if not self._loaded.reusable or pairs_of(row.cache if row.cache is not None else self._cache) is None:
            return [row]
        return [other for other in self._rows if other is row or len(other.ready) < _AHEAD]

    def _listening(self, rows: list[Row]) -> "AbstractContextManager[list[torch.Tensor]]":
        return self.keys.listening(len(rows)) if any(row.mixer for row in rows) else nullcontext([])

    def _take(self, row: Row, logits: "torch.Tensor", state: "torch.Tensor | None") -> None:
        if row.mixer and state is not None:
            logits = _mixed(row.mixer, logits, state)
        token = choose(logits, row.sampling, row.random, row.ids)
        if row.mixer:
            row.mixer.chosen(token)
        row.written += 1
        if token in self._loaded.ends:
            row.done = True
            return
        row.ids.append(token)
        row.ready.append(token)
        row.done = row.written >= row.limit

    def _leave(self, row: Row) -> None:
        if row in self._batch:
            self._split()
        if row in self._rows:
            self._rows.remove(row)
        row.cache, row.done = None, True

    def _gather(self, rows: list[Row]) -> None:
        """Put the rows' keys and values into one cache, empty places before the shorter ones."""
        import torch
        from torch.nn.functional import pad

        if self._batch == rows:
            return
        self._split()
        own = [pairs_of(row.cache) or [] for row in rows]
        longest = max(row.read for row in rows)
        layers = []
        for layer in zip(*own, strict=True):
            kinds = zip(*layer, strict=True)  # all keys, then all values
            layers.append(tuple(torch.cat([pad(t, (0, 0, longest - t.shape[2], 0)) for t in kind]) for kind in kinds))
        self._cache, self._batch = cache_of(layers), list(rows)  # type: ignore[arg-type]
        for row in rows:
            row.cache = None

    def _split(self) -> None:
        """Give each row of the last pass its own keys and values back."""
        pairs = pairs_of(self._cache) if self._batch else None
        for number, row in enumerate(self._batch if pairs else []):
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


def _mixed(mixer: TokenMixer, logits: "torch.Tensor", state: "torch.Tensor") -> "torch.Tensor":
    import torch

    mixed = mixer.mix(logits.float().cpu().numpy(), state.float().cpu().numpy())
    return logits if mixed is None else torch.from_numpy(mixed).to(logits.device)
