"""What runs a language model: transformers, llama.cpp, or a server behind LangChain."""
