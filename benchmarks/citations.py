"""What the citation checks catch: answers with one number, date, name or negation altered, and unaltered ones.

    python -m benchmarks.citations [--count 200] [--seed 0] [--show]

Answers are the sentences of XQuAD (en) and CMRC 2018 (zh) that hold a gold answer, half of them reworded (led in by a
phrase, cut at a clause, joined with the next sentence, figures rewritten), each checked against its paragraph.
"""

import argparse
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from benchmarks.squad import SHARED
from kb_server.answering.citations.support import is_supported
from kb_server.text.sentences import sentence_spans

_FILES = {"en": "xquad-even.en.json", "zh": "cmrc2018-dev.zh.json"}
_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20[0-2]\d)(?!\d)")
_NUMBER = re.compile(r"(?<![\d.,])\d+(?:[.,]\d+)*(?![\d.,]*\d)")
_MONTH = re.compile(
    r"\b(?:January|February|March|April|June|July|August|September|October|November|December)\b|(?<!\d)\d{1,2}月"
)
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{3,}")
_MONTHS = ["January", "April", "July", "October"]


@dataclass(frozen=True, slots=True)
class Sample:
    """A sentence with its paragraph, the words an answer to a question is made of, and those of other paragraphs."""

    language: str
    sentence: str
    following: str
    paragraph: str
    answers: tuple[str, ...]
    foreign: tuple[str, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200, help="altered answers; as many unaltered ones of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true", help="print what was judged wrongly")
    options = parser.parse_args()
    console = Console()
    samples = [sample for language in _FILES for sample in read_samples(language)]
    if not samples:
        console.print(f"skipped: {SHARED} is not there")
        return
    rng = random.Random(options.seed)
    rng.shuffle(samples)
    console.print(altered_table(samples, options.count, rng, options.show))
    console.print(unaltered_table(samples, options.count, rng, options.show))


def read_samples(language: str) -> Iterator[Sample]:
    """Yield the sentences that hold a gold answer, each once."""
    file = SHARED / _FILES[language]
    if not file.exists():
        return
    paragraphs = [part for article in json.loads(file.read_text("utf-8"))["data"] for part in article["paragraphs"]]
    gold = [tuple(answer["text"] for qa in part["qas"] for answer in qa["answers"][:1]) for part in paragraphs]
    for i, part in enumerate(paragraphs):
        text = part["context"]
        foreign = gold[(i + 7) % len(gold)]
        spans = sentence_spans(text)
        for j, (start, end) in enumerate(spans):
            sentence = text[start:end]
            following = text[slice(*spans[j + 1])] if j + 1 < len(spans) else ""
            held = any(answer in sentence for answer in gold[i])
            if held and 20 <= len(sentence) <= 300:
                yield Sample(language, sentence, following, text, gold[i], foreign)


def reworded(sample: Sample, sentence: str, rng: random.Random) -> str:
    """Say the same in other words, by rule."""
    chinese = sample.language == "zh"
    ways: list[Callable[[], str]] = [
        lambda: ("根据文档，" if chinese else "According to the document, ") + sentence,
        lambda: ("资料显示，" if chinese else "The passage says that ") + sentence,
        lambda: sentence.rstrip("。.") + ("，" if chinese else ", and ") + sample.following,
        lambda: re.sub(r"(?<=\d),(?=\d{3})", "", sentence),
        lambda: re.split(r"，" if chinese else r", (?=which|who|and|but)", sentence)[0] + ("。" if chinese else "."),
    ]
    said = rng.choice(ways)()
    return said if len(said) > 12 else sentence


def altered(sample: Sample, kind: str, rng: random.Random) -> str | None:
    """Return the sentence with one thing of this kind changed; None if it has none."""
    return {"number": _other_number, "date": _other_date, "name": _other_name, "negation": _other_polarity}[kind](
        sample, rng
    )


def _other_number(sample: Sample, rng: random.Random) -> str | None:
    found = list(_NUMBER.finditer(sample.sentence))
    if not found:
        return None
    chosen = rng.choice(found)
    near = [number for number in _NUMBER.findall(sample.paragraph) if number not in sample.sentence]
    digits = chosen.group()
    place = rng.randrange(len(digits)) if digits.isdigit() else 0
    changed = digits[:place] + str((int(digits[place]) + rng.randint(1, 8)) % 9 + 1) + digits[place + 1 :]
    other = rng.choice(near) if near and rng.random() < 0.5 else changed
    return None if other == digits else sample.sentence[: chosen.start()] + other + sample.sentence[chosen.end() :]


def _other_date(sample: Sample, rng: random.Random) -> str | None:
    years, months = list(_YEAR.finditer(sample.sentence)), list(_MONTH.finditer(sample.sentence))
    if not years and not months:
        return None
    chosen = rng.choice(years + months)
    old = chosen.group()
    if old.isdigit():
        new = str(int(old) + rng.choice([-10, -3, -1, 1, 2, 10]))
    elif old.endswith("月"):
        new = f"{int(old[:-1]) % 12 + 1}月"
    else:
        new = rng.choice([month for month in _MONTHS if month != old])
    return sample.sentence[: chosen.start()] + new + sample.sentence[chosen.end() :]


def _other_name(sample: Sample, rng: random.Random) -> str | None:
    if sample.language == "zh":
        held = [answer for answer in sample.answers if answer in sample.sentence and _is_chinese_name(answer)]
        others = [answer for answer in (*sample.answers, *sample.foreign) if _is_chinese_name(answer)]
    else:
        held = _NAME.findall(sample.sentence)
        others = _NAME.findall(sample.paragraph) + [
            name for text in sample.foreign for name in _NAME.findall(f"a {text}")
        ]
    pairs = [(old, new) for old in held for new in others if old not in new and new not in old]
    if not pairs:
        return None
    old, new = rng.choice(pairs)
    return sample.sentence.replace(old, new, 1)


def _is_chinese_name(text: str) -> bool:
    return 2 <= len(text) <= 4 and all("\u4e00" <= character <= "\u9fff" for character in text)


def _other_polarity(sample: Sample, rng: random.Random) -> str | None:
    english = [
        (r"\b(was|is|were|are|had|can|could|did|will) not\b", r"\1"),
        (r"\b(was|is|were|are|can|could|will)\b", r"\1 not"),
    ]
    chinese = [
        ("没有", "有"),
        ("不是", "是"),
        ("(?<!不)是(?!否)", "不是"),
        ("(?<!没)有(?!限|关|效)", "没有"),
        ("能够", "不能够"),
        ("可以", "不可以"),
    ]
    rules = [rule for rule in (chinese if sample.language == "zh" else english) if re.search(rule[0], sample.sentence)]
    return re.sub(*rng.choice(rules), sample.sentence, count=1) if rules else None


def altered_table(samples: list[Sample], count: int, rng: random.Random, show: bool) -> Table:
    kinds = ("number", "date", "name", "negation")
    tried: Counter[tuple[str, str]] = Counter()
    caught: Counter[tuple[str, str]] = Counter()
    wanted = count // (2 * len(kinds))
    for sample in samples:
        for kind in kinds:
            key = (sample.language, kind)
            said = altered(sample, kind, rng) if tried[key] < wanted else None
            if said is None:
                continue
            other = reworded(sample, said, rng) if rng.random() < 0.5 else said
            said = said if other.rstrip("。.") in sample.sentence else other  # what was altered may have been cut off
            flagged = not is_supported(said, sample.paragraph)
            tried[key] += 1
            caught[key] += flagged
            if show and not flagged:
                print(f"missed {key}\n  {said}\n  {sample.sentence}")
    table = Table("altered", *(f"{language} {kind}" for language in _FILES for kind in kinds), "all")
    keys = [(language, kind) for language in _FILES for kind in kinds]
    shares = [f"{caught[key]}/{tried[key]}" for key in keys]
    table.add_row("flagged", *shares, f"{caught.total() / tried.total():.3f} of {tried.total()}")
    return table


def unaltered_table(samples: list[Sample], count: int, rng: random.Random, show: bool) -> Table:
    table = Table("unaltered", "en", "zh", "all")
    for name in ("word for word", "reworded"):
        wrong: Counter[str] = Counter()
        seen: Counter[str] = Counter()
        for sample in samples:
            if seen[sample.language] >= count // 2:
                continue
            said = sample.sentence if name == "word for word" else reworded(sample, sample.sentence, rng)
            flagged = not is_supported(said, sample.paragraph)
            seen[sample.language] += 1
            wrong[sample.language] += flagged
            if show and flagged:
                print(f"wrongly flagged\n  {said}\n  {sample.sentence}")
        shares = [f"{wrong[language]}/{seen[language]}" for language in _FILES]
        table.add_row(f"{name}: flagged", *shares, f"{wrong.total() / seen.total():.3f}")
    return table


if __name__ == "__main__":
    main()
