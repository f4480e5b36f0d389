"""Cleaning: which steps are taken, and what is said where nothing is left."""

import pytest

from kb_server.core.domain import Redaction
from kb_server.core.errors import LoadError
from loaders.clean.cleaner import Cleaner
from tests.unit.loaders.clean.paragraphs import document, left

NOISE = "锟斤拷锟斤拷锟斤拷 一二三"


def test_noise_goes_unless_it_is_to_stay() -> None:
    cleaned = Cleaner().clean(document("A sentence of sense.", NOISE))
    assert left(cleaned.document) == ["A sentence of sense."]
    assert cleaned.set_aside == {"wrongly decoded text": 1}
    assert Cleaner(low_quality=False).clean(document(NOISE)).set_aside == {}


def test_a_document_of_noise_alone_is_refused() -> None:
    with pytest.raises(LoadError, match=r"cleaning\.low_quality"):
        Cleaner().clean(document(NOISE))


def test_boilerplate_stays_once() -> None:
    texts = [text for n in range(5) for text in (f"Story {n} is about something of its own.", "Back to top")]
    cleaned = Cleaner().clean(document(*texts))
    assert left(cleaned.document).count("Back to top") == 1
    assert cleaned.set_aside == {"repeated boilerplate": 4}
    assert len(left(Cleaner(boilerplate=False).clean(document(*texts)).document)) == 10


def test_what_is_redacted_moves_the_blocks_behind_it() -> None:
    cleaned = Cleaner(redactions=(Redaction.EMAIL,)).clean(document("Ask jane.doe@example.org.", NOISE, "Then wait."))
    assert left(cleaned.document) == ["Ask [email].", "Then wait."]
    assert "example.org" not in cleaned.document.text
