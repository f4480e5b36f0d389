"""From a question and passages to an answer with checked citations, or a refusal."""
