"""What the page says when the service says no."""

import pytest

from kb_server.core.errors import KbError
from tests.ui.conftest import Open
from tests.ui.fake_service import FakeService
from webui.shell import words as common


def codes(kind: type[KbError]) -> set[str]:
    """Return the codes of a kind of error and of all below it; those of the command line and of tests are left out."""
    kinds = [one for one in kind.__subclasses__() if not one.__module__.startswith(("kb_server.cli", "tests."))]
    return {one.code for one in kinds} | {code for one in kinds for code in codes(one)}


@pytest.mark.parametrize("known", [common.ERRORS, common.HINTS_ZH])
def test_every_error_of_the_service_is_known(known: dict[str, object]) -> None:
    assert codes(KbError) - set(known) == set()


def test_an_error_says_in_chinese_what_to_do_before_the_words_of_the_service(screen: Open, fake: FakeService) -> None:
    fake.failure = (413, "too_large", "The question has 9000 characters.")
    said = screen("chat", "zh").error[0].value
    assert said.index("超出限制") < said.index("请减少内容") < said.index("The question has 9000")
