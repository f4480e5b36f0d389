"""Loading models without a word on the terminal."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' progress bars and reports off the terminal meanwhile; its errors still show.

    What bitsandbytes says when it is imported stays off for good: it advertises kernels that it would fetch from a hub.
    """
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    wrapper = logging.getLogger("sentence_transformers")
    from transformers.utils import logging as reports

    level, bars = reports.get_verbosity(), reports.is_progress_bar_enabled()
    said = wrapper.level
    wrapper.setLevel(logging.ERROR)
    reports.set_verbosity_error()  # type: ignore[no-untyped-call]
    reports.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        wrapper.setLevel(said)
        reports.set_verbosity(level)
        if bars:
            reports.enable_progress_bar()  # type: ignore[no-untyped-call]
