"""A knowledge base's datastore: for each token of its text, the hidden state before it."""
