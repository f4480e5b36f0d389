"""The codec and the end marks of each published layout."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kb_server.errors import GenerationFailed
from kb_server.generation.codec import Codec
from kb_server.generation.glm.layouts import Layout
from kb_server.generation.glm.prompts import RoleCodec, RoundCodec
from kb_server.generation.glm.tokenizer import glm_tokenizer

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_ROLES = ("system", "user", "assistant")


def glm_codec(folder: Path, layout: Layout, gmask: int = 130001, start: int = 130004) -> Codec:
    """Return the codec of a folder; `gmask` and `start` are those of ChatGLM-6B's config."""
    if layout is Layout.CHATGLM:
        from kb_server.generation.glm.icetk import IceTokenizer

        ice = IceTokenizer(folder)
        return RoundCodec(ice.encode, ice.decode, 0, "\n", bare_first_question=True, suffix=(gmask, start))
    tokenizer = glm_tokenizer(folder, layout)
    return codec_of(layout, _encoder(tokenizer), _decoder(tokenizer), tokenizer.token_to_id)


def codec_of(
    layout: Layout,
    to_ids: Callable[[str], list[int]],
    to_text: Callable[[Sequence[int]], str],
    id_of: Callable[[str], int | None],
) -> Codec:
    """Return the codec of ChatGLM2, ChatGLM3 or GLM-4 over any tokenizer; `id_of` gives a special token's id."""
    start = "<sop>" if layout is Layout.GLM4 else "sop"
    prefix = (_known(id_of, "[gMASK]"), _known(id_of, start))
    if layout is Layout.CHATGLM2:
        return RoundCodec(to_ids, to_text, 1, "\n\n", bare_first_question=False, prefix=prefix)
    return RoleCodec(to_ids, to_text, prefix, {role: _known(id_of, f"<|{role}|>") for role in _ROLES})


def _known(id_of: Callable[[str], int | None], token: str) -> int:
    found = id_of(token)
    if found is None:
        raise GenerationFailed(
            f"The vocabulary has no token '{token}', which this model's prompts need.", "Download its tokenizer again."
        )
    return found


def _encoder(tokenizer: "Tokenizer") -> Callable[[str], list[int]]:
    return lambda text: list(tokenizer.encode(text, add_special_tokens=False).ids)


def _decoder(tokenizer: "Tokenizer") -> Callable[[Sequence[int]], str]:
    return lambda ids: str(tokenizer.decode(list(ids), skip_special_tokens=True))
