"""What every splitter does, on documents made up by hypothesis."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb_server.core.domain import Block, BlockKind, Document
from kb_server.core.ports import Splitter

_TEXTS = st.text("ab中文，。. ;\n", min_size=1, max_size=80).map(str.strip).filter(bool)
_BLOCKS = st.lists(st.tuples(st.sampled_from(BlockKind), _TEXTS, st.integers(0, 3)), max_size=10)


def made_document(parts: list[tuple[BlockKind, str, int]]) -> Document:
    """Put a document together as loaders do: an empty line between blocks, each heading under those above its level."""
    text, blocks, headings = "", list[Block](), list[tuple[int, str]]()
    for page, (kind, body, level) in enumerate(parts, start=1):
        if kind is BlockKind.HEADING:
            body = " ".join(body.split())
            headings = [*(heading for heading in headings if heading[0] < level), (level, body)]
        start = len(text) + 2 if text else 0
        text = f"{text}\n\n{body}" if text else body
        path = tuple(title for _, title in headings)
        blocks.append(Block(kind=kind, start=start, end=len(text), page=page, heading_path=path))
    return Document(name="made", text=text, blocks=tuple(blocks), pages=len(parts))


class SplitterSuite:
    """The promises of Splitter. Give it the fixture `splitter`."""

    @pytest.fixture
    def splitter(self) -> Splitter:
        """Return the splitter under test."""
        raise NotImplementedError("A class that inherits SplitterSuite has a fixture `splitter`.")

    def test_slices_come_in_reading_order_and_hold_all_text(self, splitter: Splitter) -> None:
        @given(_BLOCKS)
        @settings(deadline=None)
        def any_document(parts: list[tuple[BlockKind, str, int]]) -> None:
            document = made_document(parts)
            slices = splitter.split(document)
            spans = [(each.start, each.end) for each in slices]
            assert spans == sorted(spans)
            assert all(0 <= start < end <= len(document.text) for start, end in spans)
            held = {index for start, end in spans for index in range(start, end)}
            assert all(character.isspace() or index in held for index, character in enumerate(document.text))

        any_document()

    def test_a_slice_has_the_page_it_begins_on_and_the_headings_of_a_block_in_it(self, splitter: Splitter) -> None:
        @given(_BLOCKS)
        @settings(deadline=None)
        def any_document(parts: list[tuple[BlockKind, str, int]]) -> None:
            document = made_document(parts)
            for each in splitter.split(document):
                within = [block for block in document.blocks if block.start < each.end and each.start < block.end]
                assert each.page == within[0].page
                depth = len(each.heading_path)
                assert each.heading_path in {block.heading_path[:depth] for block in within}

        any_document()

    def test_an_empty_document_has_no_slices(self, splitter: Splitter) -> None:
        assert splitter.split(made_document([])) == []
