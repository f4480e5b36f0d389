"""The ChatGLM family: published layouts, tokenizers, prompts, and the first model itself."""
