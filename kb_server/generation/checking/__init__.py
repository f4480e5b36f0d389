"""Does a passage say what a sentence states? Deterministic checks of numbers, dates, units, names and negations."""
