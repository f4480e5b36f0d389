"""The catalog of one home: the rows of each subject, all in one database."""

from typing import TYPE_CHECKING

from kb_server.catalog.bases import Bases, TemporaryBases
from kb_server.catalog.conversations import Conversations
from kb_server.catalog.database import Database
from kb_server.catalog.evaluation_cases import EvaluationCases
from kb_server.catalog.jobs import Jobs
from kb_server.catalog.kept_files import KeptFiles
from kb_server.catalog.keys import ApiKeys, Audit
from kb_server.core.domain import KnowledgeBase

if TYPE_CHECKING:
    from kb_server.catalog.documents import Documents


class Catalog:
    """Opens the database of a SQLAlchemy URL and brings it up to date; raises StorageError where that fails."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self.bases = Bases(self.database)
        self.temporary = TemporaryBases(self.database)
        self.conversations = Conversations(self.database)
        self.jobs = Jobs(self.database)
        self.kept_files = KeptFiles(self.database)
        self.keys = ApiKeys(self.database)
        self.audit = Audit(self.database)

    def documents(self, base: KnowledgeBase) -> "Documents":
        """Return the rows of a base's documents and chunks."""
        from kb_server.catalog.documents import Documents  # imports numpy, which lists of bases need not wait for

        return Documents(self.database, base.id)

    def evaluation_cases(self, base: KnowledgeBase) -> EvaluationCases:
        """Return the questions that a base is evaluated with."""
        return EvaluationCases(self.database, base.id)

    def close(self) -> None:
        """Close every connection."""
        self.database.close()
