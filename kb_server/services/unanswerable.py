"""Questions that look like the base's own and have no answer in it: what they are about is swapped for an invention.

An invented name is used only if the base does not hold it, so that no document can answer.
"""

import random
import re
from collections.abc import Callable

from kb_server.terms import script

_NAMES = (
    *("Velmora", "Quintrel", "Osterhavn", "Dranvik", "Lumasco", "Perrigold", "Tarnwick", "Belquist", "Zorvath"),
    *("Hallambre", "Ketterling", "Mirovane", "Sundhollow", "Vexley", "Arbondel", "Castrevin", "Orrinfeld", "Wyndcroft"),
)
_CHINESE_NAMES = (
    *("岚泽", "衡枢", "霁川", "璟澜", "沐璃", "陌桐", "凛舟", "阙云", "槿溪", "珩岳", "朔屿", "汀岚", "晏禾", "翎洲"),
    *("崤岭", "澹台轩", "濯缨", "郦泉"),
)
_SUBJECT = re.compile(
    r"《[^》]+》|“[^”]+”|「[^」]+」"  # titles and quoted words
    r"|\b[A-Z]+-?\d[\w-]*|\b[\w.-]*[a-z][A-Z][\w-]*"  # codes and product names
    r"|(?<=[\u3400-\u9fff])[A-Za-z][\w-]+|(?<=[a-z,] )[A-Z][a-z]+(?: [A-Z][a-z]+)*"  # names within a sentence
)
_ASKED = {
    "cjk": ("{name}的负责人是谁？", "{name}是哪一年建立的？", "{name}位于什么地方？", "{name}的价格是多少？"),
    "other": (
        *("Who is in charge of {name}?", "When was {name} founded?", "Where is {name} located?"),
        *("How much does {name} cost?", "How many people work at {name}?", "What is {name} made of?"),
    ),
}


class Inventor:
    """Makes questions unanswerable; `holds` tells whether the base holds a text. Reproducible by its seed."""

    def __init__(self, holds: Callable[[str], bool], key_term: Callable[[str], str | None], seed: int) -> None:
        self._free = {
            kind: [name for name in names if not holds(name)]
            for kind, names in (("cjk", _CHINESE_NAMES), ("other", _NAMES))
        }
        self._key_term = key_term
        self._random = random.Random(seed)  # noqa: S311 - sampling, not secrecy

    def swap(self, question: str) -> str | None:
        """Return the question about something invented; None if it names nothing that could be swapped."""
        named = _SUBJECT.findall(question)
        subject = named[-1] if named else self._key_term(question)
        name = self._name(script(question))
        if not subject or not name:
            return None
        if subject[0] in "《“「":
            name = f"{subject[0]}{name}{subject[-1]}"
        return question.replace(subject, name)

    def invent(self, kind: str) -> str | None:
        """Return a question in a script (`cjk` or `other`) about something that does not exist."""
        name = self._name(kind)
        return self._random.choice(_ASKED[kind]).format(name=name) if name else None

    def _name(self, kind: str) -> str | None:
        return self._random.choice(self._free[kind]) if self._free[kind] else None
