"""Our splitters in their suite."""

import pytest

from kb_server.core.domain import SplitBy, Splitting
from kb_server.core.ports import Splitter
from kb_server.testing import SplitterSuite
from loaders.split.by_settings import make_splitter

WAYS = [Splitting(size=size, overlap=size // 4, by=by, delimiter="a") for by in SplitBy for size in (5, 30, 200)]


class TestOurs(SplitterSuite):
    @pytest.fixture(params=WAYS, ids=lambda way: f"{way.by}-{way.size}")
    def splitter(self, request: pytest.FixtureRequest) -> Splitter:
        return make_splitter(request.param)
