"""What a question is about: question words and function words left out.

They are rare in texts, so their inverse document frequency would weigh as much as a name's. In Chinese they also part
the pairs of characters: 是谁发 is no word of any passage.
"""

import re
from dataclasses import dataclass

from kb_server.text.folding import fold
from kb_server.text.numbers import in_digits
from kb_server.text.terms import is_cjk, script, terms

_ENGLISH = frozenset(
    terms(
        "what which who whom whose when where why how many much is are was were be been do does did has have had the a "
        "an of in on at to for from by with as and or that this these those it its their his her they he she i you we "
        "my your our me us name type kind number amount year date there than into about can could would will may must "
        "should please tell"
    )
)
_CHINESE = re.compile(
    "什么时候|什么时间|什么地方|什么样|什么|哪一?[个些年月日天里儿位座种家部所届只支次首场名项条款]?|多少|多大|多长|多高|多久|多远|"
    "谁|何时|何地|何处|何种|何人|为何|如何|怎么样?|怎样|为什么|几|吗|呢|是否|分别|请问|请|的|是|了|在|于|有|与|和|及|被|由|为|"
    "对|从|到|其|该|这|那|之|所|以|而|或|并|将|把|也|都|就|还|又|我|你"
)
_RUN = re.compile(r"[\u3400-\u9fff]+|[^\W_\u3400-\u9fff]+")
_WORD = re.compile(r"[\u3400-\u9fff]{2,3}|[^\W_\u3400-\u9fff]+")


def question_terms(question: str) -> list[str]:
    """Return the terms that a question is searched by, in order, each once.

    In Chinese question words are taken out, and with them the pairs of characters across them (有多, 少天): they weigh
    as much as a name, and no passage has them. In other languages they stand in many passages and so weigh little.
    """
    every = dict.fromkeys(terms(question))
    if script(question) != "cjk":
        return list(every)
    return list(dict.fromkeys(terms(_CHINESE.sub(" ", fold(question))))) or list(every)


@dataclass(frozen=True, slots=True)
class QuestionTerm:
    """A word, or a character of Chinese; any of its terms stands for it. `size` is in words: a character is half a one.

    Which of a character's two pairs is a word, the base knows: the other one stands nowhere.
    """

    terms: tuple[str, ...]
    size: float


def asked_pieces(question: str) -> list[QuestionTerm]:
    """Return what a question is about, in order, each once; their terms are among `question_terms(question)`.

    A question made of nothing but question words is about all its terms.
    """
    every = dict.fromkeys(question_terms(question))
    found = _chinese_pieces(question) if script(question) == "cjk" else _english_pieces(question)
    kept = [piece for piece in found if piece.terms and all(term in every for term in piece.terms)]
    return list(dict.fromkeys(kept)) or [QuestionTerm((term,), 1.0) for term in every]


def _chinese_pieces(question: str) -> list[QuestionTerm]:
    runs = _RUN.findall(in_digits(_CHINESE.sub(" ", fold(question))))
    return [piece for run in runs for piece in (_characters(run) if is_cjk(run) else _words(run))]


def _english_pieces(question: str) -> list[QuestionTerm]:
    return [piece for piece in _words(question) if piece.terms[0] not in _ENGLISH]


def asked_words(text: str) -> list[str]:
    """Return what a text is about as words in order, with repeats; in Chinese pieces of two or three characters."""
    found = _WORD.findall(_CHINESE.sub(" ", text))
    return [word for word in found if not _ENGLISH.issuperset(terms(word))]


def _words(text: str) -> list[QuestionTerm]:
    return [QuestionTerm((term,), 1.0) for term in terms(text)]


def _characters(run: str) -> list[QuestionTerm]:
    """Return a piece a character; a single one says too little."""
    pairs = [run[i : i + 2] for i in range(len(run) - 1)]
    return [QuestionTerm(tuple(pairs[max(i - 1, 0) : i + 1]), 0.5) for i in range(len(run))] if pairs else []
