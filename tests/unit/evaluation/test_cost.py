"""What tokens cost."""

import pytest

from kb_server.core.errors import UsageError
from kb_server.evaluation.cost import Price, parse_price


def test_cost_by_hand() -> None:
    assert parse_price("0.5/1.5") == Price(0.5, 1.5)
    assert Price(0.5, 1.5).of({"prompt": 2_000_000, "answer": 100_000}) == pytest.approx(1.15)
    assert Price(0.5, 1.5).of({}) == 0.0


@pytest.mark.parametrize("text", ["", "1", "a/b", "1/", "-1/2", "nan/1", "inf/1"])
def test_what_is_no_price(text: str) -> None:
    with pytest.raises(UsageError, match="no price"):
        parse_price(text)
