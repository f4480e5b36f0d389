"""The documents keep to the code: pages made from it, files they name, words they explain."""
