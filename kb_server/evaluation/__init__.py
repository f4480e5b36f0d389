"""How good a knowledge base is: cases, runs over them, metrics, reports and comparisons."""
