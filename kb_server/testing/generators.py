"""What every language model that writes does."""

from contextlib import closing
from typing import Any, cast

import pytest

from kb_server.core.answers import Message, Sampling
from kb_server.core.ports import Generator

QUESTION = [Message(role="system", content="Answer shortly."), Message(role="user", content="你好, who are you?")]
MANY = 8  # answers; more than our models decode at once


class GeneratorSuite:
    """The promises of Generator. Give it the fixture `generator`.

    Its greedy answer to a question must have at least four characters; a random model will do.
    """

    @pytest.fixture
    def generator(self) -> Generator:
        """Return the model under test."""
        raise NotImplementedError("A class that inherits GeneratorSuite has a fixture `generator`.")

    def _answer(self, generator: Generator, sampling: Sampling) -> str:
        return "".join(generator.stream(QUESTION, sampling))

    def test_it_has_a_name_and_a_window(self, generator: Generator) -> None:
        assert generator.name
        assert generator.context_window > 0

    def test_a_prompt_has_a_length_that_grows_with_it(self, generator: Generator) -> None:
        answered = [*QUESTION, Message(role="assistant", content="A model."), Message(role="user", content="Whose?")]
        longer = [QUESTION[0], Message(role="user", content=QUESTION[1].content + " and why?")]
        length = generator.count_tokens(QUESTION)
        assert 0 < length < generator.context_window
        assert generator.count_tokens(answered) > length
        assert generator.count_tokens(longer) > length
        assert generator.count_tokens(QUESTION) == length

    def test_the_answer_comes_in_pieces_of_text(self, generator: Generator) -> None:
        pieces = list(generator.stream(QUESTION, Sampling(max_tokens=12)))
        assert {type(piece) for piece in pieces} == {str}
        assert len("".join(pieces)) >= 4

    def test_at_temperature_0_it_says_the_same_again(self, generator: Generator) -> None:
        greedy = Sampling(max_tokens=12, temperature=0)
        assert self._answer(generator, greedy) == self._answer(generator, greedy)

    def test_the_answer_ends_before_a_stop_string(self, generator: Generator) -> None:
        whole = self._answer(generator, Sampling(max_tokens=12))
        stop = whole[2:4]
        stopped = self._answer(generator, Sampling(max_tokens=12, stop=("never said", stop)))
        assert stopped == whole.partition(stop)[0]

    def test_closing_stops_the_model_and_makes_room(self, generator: Generator) -> None:
        expected = self._answer(generator, Sampling(max_tokens=12))
        for _ in range(MANY):
            # What `stream` returns is a generator; Iterator alone has no `close`.
            with closing(cast("Any", generator.stream(QUESTION, Sampling(max_tokens=12)))) as stream:
                next(stream)
        assert self._answer(generator, Sampling(max_tokens=12)) == expected
