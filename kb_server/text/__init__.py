"""Scripts, terms, sentences, numbers and near duplicates: one definition of each, used everywhere."""
