"""What a page needs to know: the service with this visitor's key, the language, the sidebar."""

from dataclasses import dataclass

from streamlit.delta_generator import DeltaGenerator

from webui.client.service import Me, Service
from webui.shell.phrases import Say


@dataclass(frozen=True, slots=True)
class Visit:
    """One run of the script for somebody who is signed in."""

    service: Service
    say: Say
    side: DeltaGenerator

    @property
    def me(self) -> Me:
        """What the key may do."""
        return self.service.me
