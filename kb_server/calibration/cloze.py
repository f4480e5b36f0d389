"""Questions that a text answers itself, made by rules: something it states is taken out and asked for.

English asks in place ("… was replaced after how many pages?"), Chinese does so by nature (多少、哪一年、什么). Rows of
a table (`Device: PR-02; Location: Office`), definitions and headings that are questions have forms of their own.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kb_server.core.domain import Chunk
from kb_server.text.references import LEANS_BACK
from kb_server.text.sentences import sentences
from kb_server.text.terms import script, terms

_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_DATE = re.compile(
    rf"\b\d{{1,2}} {_MONTH} \d{{4}}\b|\b{_MONTH} \d{{1,2}}, \d{{4}}\b|(?<![\d-])\d{{4}}-\d{{2}}-\d{{2}}(?![\d-])"
    r"|\d{4} ?年 ?\d{1,2} ?月(?: ?\d{1,2} ?日)?"
)
_YEAR = re.compile(r"(?<![\w.,-])(?:1[0-9]|20)\d\d(?: ?年)?(?![\w.,-]*[\da-z])(?! ?[%月])")
_NUMBER = re.compile(r"(?<!^)(?<![\w.,:/~～–－—-])\d+(?:,\d{3})*(?:\.\d+)?%?(?![\w.,:/-]*\d|[A-Za-z]| ?年)")
_UNIT = re.compile(
    r" ?(?:(?!(?:of|and|or|in|to|is|are|was|were|by|from|on|at|with|for)\b)[A-Za-z°%]+"
    r"|世纪|公里|千米|平方|英里|小时|分钟|比特|公斤|千克|万人|亿元|万元|[年月日天元个人次名位家岁米吨万亿秒届章条页座所分周])"
)
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]+(?: [A-Z][a-z]+)+")
_TITLE = re.compile(r"《[^《》]{2,20}》|“[^“”]{2,20}”|「[^「」]{2,20}」")
_ROW = re.compile(r"([^:;]{1,40}): ([^;]{1,120})(?:; |$)")
_DEFINED = re.compile(
    r"(?P<term>[A-Z][\w-]*(?: [a-z\d-]+){0,3}): (?P<en>(?:a|an|the) .{15,200})"
    r"|(?P<subject>(?:The |An? )?[A-Z][\w-]*(?: [\w-]+){0,3}?) (?:is|are|was) (?P<is>(?:an?|the) .{15,200})"
    r"|(?P<zh>[^，。；：、（）\s]{2,14}?)(?:是指|是一[个种款座名位部条家])(?P<shi>.{6,80})"
)
_CLAUSE = re.compile(r"[，；]|, |; ")
_FEWEST_TERMS, _MOST_CHARACTERS = 5, 220
_LONGEST_ANSWER = 120
_SAYS_NOTHING = frozenset("yes no none true false 是 否 有 无".split())


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question with its answer, the sentence that says it, and what kind of thing is asked for."""

    question: str
    answer: str
    sentence: str
    kind: str


def candidates(chunk: Chunk) -> Iterator[Candidate]:
    """Yield the questions a chunk's sentences answer, in order; the same chunk gives the same ones."""
    parts = sentences(chunk.text)
    for before, part in zip([*parts[:1], *parts], parts, strict=False):
        if before in chunk.heading_path and before[-1] in "?？" and part != before:
            yield Candidate(before, part, part, "heading")
        elif part not in chunk.heading_path:
            yield from _from_sentence(part)


def _from_sentence(sentence: str) -> Iterator[Candidate]:
    row = [(key.strip(), value.strip()) for key, value in _ROW.findall(sentence)]
    if len(row) > 1:
        yield from _from_row(row, sentence)
    elif not LEANS_BACK.match(sentence):
        yield from _from_definition(sentence)
        yield from _from_prose(sentence)


def _from_row(row: list[tuple[str, str]], sentence: str) -> Iterator[Candidate]:
    subject = row[0][1]
    for key, value in row[1:] if len(subject) > 2 else ():
        too_plain = value.casefold() in (*_SAYS_NOTHING, subject.casefold())
        if too_plain or len(value) > _LONGEST_ANSWER:
            continue
        chinese = script(subject + key) == "cjk"
        question = f"{subject}的{key}是什么？" if chinese else f"What is the {key} of {row[0][0]} {subject}?"
        yield Candidate(question, value.rstrip(".。"), sentence, "row")


def _from_definition(sentence: str) -> Iterator[Candidate]:
    found = _DEFINED.match(sentence)
    if not found:
        return
    answer = (found["en"] or found["is"] or found["shi"]).rstrip(".。")
    if len(answer) > _LONGEST_ANSWER:
        return
    question = f"什么是{found['zh']}？" if found["zh"] else f"What is {_named(found['term'] or found['subject'])}?"
    yield Candidate(question, answer, sentence, "definition")


def _named(subject: str) -> str:
    """Return the subject of a sentence as it stands in the middle of one."""
    article, _, rest = subject.partition(" ")
    return f"{article.lower()} {rest}" if article in ("The", "A", "An") else subject


def _from_prose(sentence: str) -> Iterator[Candidate]:
    chinese = script(sentence) == "cjk"
    taken: list[tuple[int, int]] = []
    called = ("title", _TITLE) if chinese else ("name", _NAME)
    for kind, pattern in (("date", _DATE), ("year", _YEAR), ("number", _NUMBER), called):
        for found in pattern.finditer(sentence):
            if any(found.start() < end and start < found.end() for start, end in taken):
                continue
            taken.append(found.span())
            made = _masked(sentence, found, kind, chinese=chinese)
            if made:
                yield made


def _masked(sentence: str, found: re.Match[str], kind: str, *, chinese: bool) -> Candidate | None:
    """Ask for a span: its clause, or the sentence where that says too little, with a question word in its place."""
    answer = _answer(sentence, found) if kind == "number" else found.group()
    if sentence.count(found.group()) != 1 or len(answer) < 2:
        return None
    start, end = _clause(sentence, found.start(), found.end())
    before, after = sentence[start : found.start()], sentence[found.end() : end]
    word = _question_word(kind, after, chinese=chinese)
    asked = before.rstrip() + word + after.lstrip() if chinese else before + word + after
    question = asked.strip(" 。.;；,，:：!！") + ("？" if chinese else "?")
    if len(question) > _MOST_CHARACTERS or len(set(terms(question))) < _FEWEST_TERMS:
        return None
    return Candidate(question[0].upper() + question[1:], answer.strip(), sentence, kind)


def _answer(sentence: str, number: re.Match[str]) -> str:
    """Return a number with its unit: a bare digit stands in nearly every text."""
    unit = _UNIT.match(sentence, number.end())
    return number.group() + (unit.group() if unit else "")


def _clause(sentence: str, start: int, end: int) -> tuple[int, int]:
    """Return the bounds of the clause around a span if it stands alone, else those of the sentence."""
    marks = list(_CLAUSE.finditer(sentence))
    left = max((mark.end() for mark in marks if mark.end() <= start), default=0)
    right = min((mark.start() for mark in marks if mark.start() >= end), default=len(sentence))
    clause = sentence[left:right]
    alone = len(set(terms(clause))) > 2 * _FEWEST_TERMS and not LEANS_BACK.match(clause)
    return (left, right) if alone else (0, len(sentence))


def _question_word(kind: str, after: str, *, chinese: bool) -> str:
    if chinese:
        return {"date": "哪一天", "year": "哪一年", "number": "多少"}.get(kind, "什么")
    number = "how many" if re.match(r" [a-z]", after) and _UNIT.match(after) else "what number"
    return {"date": "which date", "year": "which year", "number": number, "name": "who or what"}.get(kind, "what")
