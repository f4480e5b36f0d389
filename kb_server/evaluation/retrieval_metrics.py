"""How well documents are found, by ir-measures: recall, reciprocal rank, nDCG and average precision, by document."""

from collections import defaultdict
from collections.abc import Sequence

from kb_server.evaluation.outcomes import Outcome


def retrieval_metrics(outcomes: Sequence[Outcome]) -> list[dict[str, float]]:
    """Return for each outcome its recall@1/3/5/10, mrr@10, ndcg@10 and map; empty where no document is expected.

    A document counts at the rank of its first passage. Recall is the share of a case's documents found, so a case
    with two documents reaches at most one half at rank 1.
    """
    import ir_measures
    from ir_measures import AP, RR, R, nDCG

    names = {R @ 1: "recall@1", R @ 3: "recall@3", R @ 5: "recall@5", R @ 10: "recall@10"}
    names |= {RR @ 10: "mrr@10", nDCG @ 10: "ndcg@10", AP: "map"}
    scored = [(str(i), outcome) for i, outcome in enumerate(outcomes) if outcome.case.documents]
    wanted = [ir_measures.Qrel(i, name, 1) for i, outcome in scored for name in set(outcome.case.documents)]
    run = [
        ir_measures.ScoredDoc(i, name, -rank) for i, outcome in scored for rank, name in enumerate(outcome.documents)
    ]
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for item in ir_measures.iter_calc(list(names), wanted, run) if scored else ():
        found[item.query_id][names[item.measure]] = float(item.value)
    nothing = dict.fromkeys(names.values(), 0.0)  # a case for which nothing was retrieved is not in the run
    return [{**nothing, **found[str(i)]} if outcome.case.documents else {} for i, outcome in enumerate(outcomes)]
