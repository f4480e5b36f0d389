"""kNN-LM: a datastore of hidden states of the base's own text, and its part in choosing the next token."""
