"""A word exchanged inside a sentence that is otherwise the passage's own."""

from collections.abc import Iterator
from difflib import SequenceMatcher

from kb_server.terms import is_cjk

_FLANK = 3  # characters or words that must agree before and behind the exchanged part together, and one on each side
_LONG_FLANK = 8  # the same where the exchanged part begins or ends the sentence
_LONGEST = 6  # more than that exchanged is another way of saying it, not a slip


def exchanged(sentence: list[str], source: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Yield (said, in the source) for each short run of tokens that stands in the place of another one."""
    steps = SequenceMatcher(None, source, sentence, autojunk=False).get_opcodes()
    equal = [end - start if kind == "equal" else 0 for kind, _, _, start, end in steps]
    for i, (kind, source_start, source_end, start, end) in enumerate(steps):
        flanks = equal[max(i - 1, 0) : i] + equal[i + 1 : i + 2]
        enough = _FLANK if len(flanks) == 2 else _LONG_FLANK
        short = max(end - start, source_end - source_start) <= _LONGEST
        if kind == "replace" and all(flanks) and sum(flanks) >= enough and short:
            yield sentence[start:end], source[source_start:source_end]


def tokens(text: str) -> list[str]:
    """Cut a normalised text into words and single Chinese characters; punctuation is left out."""
    found: list[str] = []
    word = ""
    for character in [*text, " "]:
        if character.isalnum() and not is_cjk(character):
            word += character
            continue
        found += [word] if word else []
        word = ""
        found += [character] if is_cjk(character) else []
    return found
