"""Other forms of a published ChatGLM folder: a native Glm folder, or a GGUF file."""

from pathlib import Path

from kb_server.core.errors import UsageError
from kb_server.llm.weights.skeleton import ModelFiles

FORMS = ("native", "f16", "q8_0", "q4_0")


def convert(folder: Path, target: Path, form: str) -> None:
    """Write `target` in one of FORMS; raises UsageError for another form or a model that has none of them."""
    if form not in FORMS:
        raise UsageError(f"There is no form '{form}'.", f"Use one of {', '.join(FORMS)}.")
    files = ModelFiles(folder)
    if form == "native":
        from kb_server.llm.weights.saving import convert_native

        convert_native(files, target)
    else:
        from kb_server.llm.weights.gguf_export import export_gguf

        export_gguf(files, target, form)
