"""What the tokens of a run cost."""

from collections.abc import Mapping
from dataclasses import dataclass

from kb_server.errors import UsageError

_A_PRICE_IS_FOR = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """Of a million tokens read (`prompt`) and written (`answer`), in whatever currency."""

    prompt: float
    answer: float

    def of(self, tokens: Mapping[str, int]) -> float:
        """Return what so many tokens cost."""
        return (tokens.get("prompt", 0) * self.prompt + tokens.get("answer", 0) * self.answer) / _A_PRICE_IS_FOR


def parse_price(text: str) -> Price:
    """Read `0.5/1.5`; raises UsageError."""
    prompt, _, answer = text.partition("/")
    try:
        price = Price(float(prompt), float(answer))
    except ValueError as error:
        raise UsageError(
            f"'{text}' is no price.", "Write that of a million tokens read and written: 0.5/1.5"
        ) from error
    if not 0 <= price.prompt < float("inf") or not 0 <= price.answer < float("inf"):
        raise UsageError(f"'{text}' is no price.", "Both numbers are 0 or more.")
    return price
