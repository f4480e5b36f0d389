"""How sure one can be that bases hold the answer to a question, before anything is written."""

from collections.abc import Sequence

from kb_server.domain import Calibration, Hit
from kb_server.ports import LexicalIndex
from kb_server.retrieval.confidence import ConfidenceModel
from kb_server.retrieval.evidence import TermWeights, find_evidence


class Assessor:
    """Judges what was found for a question in a knowledge base, or in several as if they were one."""

    def __init__(self, lexicals: Sequence[LexicalIndex], calibration: Calibration) -> None:
        self._lexicals = lexicals
        self._model = ConfidenceModel(calibration.weights)
        self._bound = calibration.refuse_below

    def assess(self, question: str, hits: Sequence[Hit]) -> tuple[float, bool]:
        """Return the confidence, 0..1, in the first hits, best first, and whether it is enough for an answer.

        See EVIDENCE_DEPTH for how many hits are looked at.
        """
        known = [TermWeights(lexical.weights(question), len(lexical)) for lexical in self._lexicals]
        evidence = find_evidence(question, hits, TermWeights.together(known))
        confidence = round(self._model.confidence(evidence), 4)
        return confidence, confidence >= self._bound
