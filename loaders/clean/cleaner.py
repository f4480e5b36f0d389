"""What is done to a document between loading and splitting."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from kb_server.core.domain import Document, Redaction
from kb_server.core.errors import LoadError
from loaders.clean.quality import Cleaned, set_aside_boilerplate, set_aside_low_quality
from loaders.clean.redaction import redact


@dataclass(frozen=True, slots=True)
class Cleaner:
    """Cleans documents; each step can be switched off. The text stays as it is, save for redaction."""

    boilerplate: bool = True
    low_quality: bool = True
    redactions: tuple[Redaction, ...] = ()

    def clean(self, document: Document) -> Cleaned:
        """Return what is worth splitting, and what was set aside; raises LoadError where nothing is left."""
        counts = Counter(document.set_aside)
        steps: list[Callable[[Document], Cleaned]] = []
        if self.low_quality:
            steps.append(set_aside_low_quality)
        if self.boilerplate:
            steps.append(set_aside_boilerplate)
        for step in steps:
            done = step(document)
            document = done.document
            counts.update(done.set_aside)
        if not document.blocks:
            raise LoadError(
                f"'{document.name}' holds only text that is of no use: {', '.join(counts)}.",
                "If that is wrong, set cleaning.low_quality to false.",
            )
        return Cleaned(redact(document, self.redactions), dict(counts))
