"""The splitter that a base or a folder asks for."""

from kb_server.core.domain import SplitBy, Splitting
from kb_server.core.ports import Splitter
from loaders.split.records import RecordSplitter, RowSplitter
from loaders.split.splitter import SentenceSplitter


def make_splitter(splitting: Splitting) -> Splitter:
    """Return the splitter; raises ValueError where the overlap is not less than the size."""
    sentences = SentenceSplitter(splitting.size, splitting.overlap)
    match splitting.by:
        case SplitBy.SENTENCES:
            return sentences
        case SplitBy.ROWS:
            return RowSplitter(sentences)
        case SplitBy.DELIMITER:
            return RecordSplitter(sentences, splitting.size, splitting.delimiter)
