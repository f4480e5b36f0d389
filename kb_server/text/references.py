"""Words by which a text leans on what was said before it."""

import re

_PRONOUNS = "it|its|they|them|their|he|him|his|she|her|this|that|these|those|there|then"
_PRONOUNS_ZH = "[它他她其这那该此]"
_JOINING = "such|both|but|and|or|so|also|however|thus"
_JOINING_ZH = "[并但而且因或与和及以于]|同时|由于|另外|后来|之后"

POINTS_BACK = re.compile(rf"\b(?:{_PRONOUNS})\b|{_PRONOUNS_ZH}", re.IGNORECASE)
"""A pronoun or a demonstrative anywhere: what it stands for may be found in what was said before."""

LEANS_BACK = re.compile(rf"(?:{_PRONOUNS}|{_JOINING})\b|{_PRONOUNS_ZH}|{_JOINING_ZH}", re.IGNORECASE)
"""To be matched at the beginning of a sentence: one that begins so does not stand by itself."""
