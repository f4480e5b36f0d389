"""BM25's constants and weights, the same for every word index."""

import math

BM25_K1 = 1.2  # tantivy's constants; a term's score stays below idf * (k1 + 1)
BM25_B = 0.75


def inverse_document_frequency(total: int, count: int) -> float:
    """Return ln(1 + (total - count + 0.5) / (count + 0.5)), as Lucene has it; `count` of `total` texts have it."""
    return math.log1p((total - count + 0.5) / (count + 0.5))
