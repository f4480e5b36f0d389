"""Which models a client may name."""

from kb_server.api.service import Service, visible_bases
from kb_server.embedding.model_folder import local_embedders
from kb_server.errors import NotFound
from kb_server.services.keys import Caller


def known_embedders(service: Service, caller: Caller) -> set[str]:
    """Return the embedders that are on this machine or in use here, by name."""
    used = (base.embedder for base in visible_bases(service, caller))
    return {service.app.settings.embedding.model, *used, *local_embedders()}


def refuse_unknown_embedder(service: Service, caller: Caller, name: str | None) -> None:
    """Raise NotFound for any other name: what a client sends is never tried as a path."""
    if name is not None and name not in known_embedders(service, caller):
        raise NotFound(f"There is no embedder '{name[:80]}' here.", "See the names with: GET /api/v1/models")
