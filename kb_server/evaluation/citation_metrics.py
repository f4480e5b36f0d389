"""Whether an answer's citations stand: as quotes, for what they are cited for, and for everything that is stated."""

from statistics import mean

from kb_server.domain import Citation
from kb_server.evaluation.outcomes import Outcome
from kb_server.evaluation.statements import statements
from kb_server.generation.checking.support import is_supported, normalised


def citation_metrics(outcome: Outcome) -> dict[str, float]:
    """Return what applies of these, each 0..1.

    - citation_precision: the share of citations whose quote is a substring of their passage and that are supported;
    - citation_recall: the share of statements with a supported citation;
    - faithfulness: the share of cited statements whose numbers, names and words stand in a passage they cite;
    - faithfulness_judged: the share of a judge's verdicts that say so.
    """
    found: dict[str, float] = {}
    if outcome.citations:
        found["citation_precision"] = mean(_stands(outcome, citation) for citation in outcome.citations)
    stated = statements(outcome)
    if stated:
        found["citation_recall"] = mean(statement.supported for statement in stated)
    cited = [statement for statement in stated if statement.sources]
    if cited:
        found["faithfulness"] = mean(
            any(is_supported(statement.text, source) for source in statement.sources) for statement in cited
        )
    verdicts = [verdict for verdict in outcome.judged if verdict is not None]
    if verdicts:
        found["faithfulness_judged"] = mean(verdicts)
    return found


def _stands(outcome: Outcome, citation: Citation) -> bool:
    passage = outcome.passage(citation.chunk_id)
    quoted = passage is not None and normalised(citation.quote) in normalised(passage.text or "")
    return quoted and citation.supported
