"""How long a text is for a model, near enough to cut by, without loading one."""

import re

from kb_server.text.characters import CJK

_TOKEN = re.compile(rf"[{CJK}]|[A-Za-zÀ-ɏ]{{1,7}}|[0-9]{{1,3}}|[Ͱ-ӿ]{{1,3}}|\S")


def count_tokens(text: str) -> int:
    """Estimate the number of tokens.

    Each CJK character, sign or character of another script counts 1; a Latin word 1 for every 7 letters begun, Greek
    and Cyrillic words 1 for every 3, a number 1 for every 3 digits. The count of a text is never more than the sum
    over its pieces, wherever it is cut. Beside the WordPiece tokenizer of all-MiniLM-L6-v2, over the paragraphs of
    XQuAD, it gives 1.09 times as many for English (0.92 to 1.23 for one paragraph), and 1.00 for CMRC's Chinese.
    """
    return len(_TOKEN.findall(text))
