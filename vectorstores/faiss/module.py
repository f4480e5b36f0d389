"""The package faiss, imported when it is first needed."""

import warnings
from types import ModuleType

from kb_server.core.errors import MissingExtra


def imported_faiss() -> ModuleType:
    """Return the module; raises MissingExtra with the command that installs it."""
    try:
        with warnings.catch_warnings():
            # The bindings of some releases use what Python deprecates; that is not for our users to mend.
            warnings.simplefilter("ignore", DeprecationWarning)
            import faiss
    except ImportError as error:
        message = f"FAISS is needed here and cannot be imported: {error}."
        raise MissingExtra(message, "pip install 'kb-server[faiss]'") from error
    module: ModuleType = faiss
    return module


def one_thread(faiss: ModuleType) -> None:
    """Let FAISS use one core in this thread: a team of threads for one question costs more than it saves.

    On a busy machine the team waits for its slowest: a search of 10,000 vectors took 70 ms instead of 2.
    """
    faiss.omp_set_num_threads(1)
