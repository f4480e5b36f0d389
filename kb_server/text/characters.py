"""Which characters a text may hold, and which are written without spaces between words."""

import re
import unicodedata
from functools import cache
from itertools import chain, pairwise

_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_UNWANTED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff\ufffe\uffff\ud800-\udfff]")
_BLANKS = re.compile(r"[^\S\n\u3000]+")

CJK = (
    "\u2e80-\u303f\u3040-\u312f\u3190-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef"
    "\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
"""Inside of a regular-expression class: Chinese and Japanese letters and punctuation. Hangul has word spaces."""

CJK_LETTERS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
"""Inside of a regular-expression class: letters of Chinese, Japanese and Korean, which are compared one by one."""

_CJK_CHARACTER = re.compile(f"[{CJK}]")

# Unicode says for the Kangxi radicals which letters they are, for the supplement only of two.
_SUPPLEMENT = (
    "⺀冫 ⺁厂 ⺄乙 ⺅亻 ⺆冂 ⺇几 ⺈刀 ⺉刂 ⺊卜 ⺋㔾 ⺌小 ⺍小 ⺎尢 ⺏尣 ⺐尢 ⺑尣 ⺒巳 ⺓幺 ⺔彑 ⺕彐 ⺖忄 ⺗心 "
    "⺘扌 ⺙攵 ⺛旡 ⺜日 ⺝月 ⺞歺 ⺟母 ⺠民 ⺡氵 ⺢水 ⺣灬 ⺤爫 ⺥爪 ⺦丬 ⺧牛 ⺨犭 ⺩王 ⺪疋 ⺫目 ⺬示 ⺭礻 ⺮竹 "
    "⺯糹 ⺰纟 ⺱网 ⺲罒 ⺳网 ⺴网 ⺵网 ⺶羊 ⺷羊 ⺸羊 ⺹耂 ⺺肀 ⺻聿 ⺼月 ⺽臼 ⺾艹 ⺿艹 ⻀艹 ⻁虎 ⻂衤 ⻃覀 ⻄西 "
    "⻅见 ⻆角 ⻇角 ⻈讠 ⻉贝 ⻊足 ⻋车 ⻌辶 ⻍辶 ⻎辶 ⻏阝 ⻐钅 ⻑長 ⻒镸 ⻓长 ⻔门 ⻕阜 ⻖阝 ⻗雨 ⻘青 ⻙韦 ⻚页 "
    "⻛风 ⻜飞 ⻝食 ⻞食 ⻟飠 ⻠饣 ⻡饣 ⻢马 ⻣骨 ⻤鬼 ⻥鱼 ⻦鸟 ⻧卤 ⻨麦 ⻩黄 ⻪黾 ⻫斉 ⻬齐 ⻭歯 ⻮齿 ⻯竜 ⻰龙 "
    "⻱龜 ⻲亀 ⻳龟 "
)

_RADICAL = re.compile("[\u2e80-\u2fdf]")


def clean(text: str) -> str:
    """Make every line end a newline and remove what is not text: NULs, controls, lone surrogates, soft hyphens.

    Radicals, which some PDF files give in place of the letters that look the same, become those letters.
    """
    return letters_for_radicals(_UNWANTED.sub("", _LINE_ENDS.sub("\n", text)))


def letters_for_radicals(text: str) -> str:
    """Write the CJK letter in place of each Kangxi radical and each of the radicals supplement."""
    return text.translate(_letters()) if _RADICAL.search(text) else text


@cache
def _letters() -> dict[int, str]:
    kangxi = {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0x2F00, 0x2FD6)}
    return kangxi | {ord(pair[0]): pair[1] for pair in _SUPPLEMENT.split()}


def squeeze(text: str) -> str:
    """Make a run of blanks one space, also those that do not break; newlines and full-width spaces stay."""
    return _BLANKS.sub(" ", text).strip()


def joins_without_space(character: str) -> bool:
    """Tell whether lines are joined without a space beside this character."""
    return _CJK_CHARACTER.match(character) is not None


def unwrap(text: str) -> str:
    """Join the lines of a wrapped paragraph: with nothing between two CJK characters, else with a space."""
    lines = [line for part in text.split("\n") if (line := part.strip())]
    joints = [_joint(before[-1], after[0]) for before, after in pairwise(lines)]
    return "".join(chain.from_iterable(zip(lines, [*joints, ""], strict=False)))


def _joint(before: str, after: str) -> str:
    return "" if joins_without_space(before) and joins_without_space(after) else " "
