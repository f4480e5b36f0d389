"""What loaders and splitters have promised, as tests that a plug-in inherits."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb_server.core.domain import Block, BlockKind, Document
from kb_server.core.errors import LoadError
from kb_server.core.ports import Loader, Splitter


class LoaderSuite:
    """The promises of Loader. Give it the fixtures `loader`, `sample` and `said`.

    `sample` is a file of its kind, and `said` are texts that a person reads in it, from top to bottom.
    """

    @pytest.fixture
    def loader(self) -> Loader:
        """Return the loader under test."""
        raise NotImplementedError("A class that inherits LoaderSuite has a fixture `loader`.")

    @pytest.fixture
    def sample(self) -> Path:
        """Return a file that it reads."""
        raise NotImplementedError("A class that inherits LoaderSuite has a fixture `sample`.")

    @pytest.fixture
    def said(self) -> Sequence[str]:
        """Return what stands in that file, in reading order."""
        raise NotImplementedError("A class that inherits LoaderSuite has a fixture `said`.")

    @pytest.fixture
    def document(self, loader: Loader, sample: Path) -> Document:
        """Read the sample."""
        return loader.load(sample, "名字.bin")

    def test_the_document_has_the_name_it_was_given(self, document: Document) -> None:
        assert document.name == "名字.bin"

    def test_its_text_is_what_stands_in_the_file_in_reading_order(
        self, document: Document, said: Sequence[str]
    ) -> None:
        place = 0
        for text in said:
            place = document.text.index(text, place) + len(text)

    def test_blocks_lie_in_reading_order_and_hold_the_text(self, document: Document) -> None:
        assert document.blocks
        assert all(0 <= block.start < block.end <= len(document.text) for block in document.blocks)
        assert all(before.end <= after.start for before, after in pairwise(document.blocks))
        held = {index for block in document.blocks for index in range(block.start, block.end)}
        assert all(character.isspace() or index in held for index, character in enumerate(document.text))

    def test_pages_count_from_1(self, document: Document) -> None:
        pages = [block.page for block in document.blocks if block.page is not None]
        assert all(1 <= page <= (document.pages or page) for page in pages)
        assert pages == sorted(pages)

    def test_a_headings_path_ends_with_itself(self, document: Document) -> None:
        headings = [block for block in document.blocks if block.kind is BlockKind.HEADING]
        assert all(block.heading_path[-1] == document.text[block.start : block.end] for block in headings)

    def test_it_reads_the_same_again(self, document: Document, loader: Loader, sample: Path) -> None:
        assert loader.load(sample, "名字.bin") == document

    def test_a_file_that_is_not_there_is_named(self, loader: Loader, tmp_path: Path) -> None:
        with pytest.raises(LoadError, match=r"gone\.bin"):
            loader.load(tmp_path / "gone.bin", "gone.bin")

    @pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
    def test_of_a_torn_file_it_reads_what_is_there_or_says_why_not(
        self, loader: Loader, sample: Path, share: float, tmp_path: Path
    ) -> None:
        content = sample.read_bytes()
        torn = tmp_path / f"torn{sample.suffix}"
        torn.write_bytes(content[: int(share * len(content))])
        self._read_or_refuse(loader, torn)

    def test_of_other_bytes_it_reads_what_is_there_or_says_why_not(
        self, loader: Loader, sample: Path, tmp_path: Path
    ) -> None:
        other = tmp_path / f"other{sample.suffix}"
        other.write_bytes(bytes(range(256)) * 40)
        self._read_or_refuse(loader, other)

    def _read_or_refuse(self, loader: Loader, path: Path) -> None:
        """Anything but a document and a LoadError that names it fails the test."""
        try:
            read = loader.load(path, "broken.bin")
        except LoadError as error:
            said = error.message
        else:
            said = f"{read.name} was read."
        assert "broken.bin" in said
        assert said.endswith(".")


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
