"""How sure one can be that a base holds the answer to a question, before anything is written."""

from collections.abc import Sequence

from kb_server.domain import Hit
from kb_server.ports import LexicalIndex
from kb_server.retrieval.confidence import ConfidenceModel
from kb_server.retrieval.evidence import TermWeights, find_evidence


class Assessor:
    """Judges what was found for a question in one knowledge base."""

    def __init__(self, lexical: LexicalIndex, model: ConfidenceModel) -> None:
        self._lexical = lexical
        self._model = model

    def confidence(self, question: str, hits: Sequence[Hit]) -> float:
        """Return 0..1 for the first hits, best first; see EVIDENCE_DEPTH for how many are looked at."""
        known = TermWeights(self._lexical.weights(question), len(self._lexical))
        return round(self._model.confidence(find_evidence(question, hits, known)), 4)
