"""What of a settings section a backend takes: its own parameters say it."""

from collections.abc import Collection
from inspect import signature
from typing import Any

from pydantic import BaseModel

from kb_server.errors import InvalidSetting


def backend_options(backend: type[Any], section: BaseModel, name: str, skipped: Collection[str]) -> dict[str, Any]:
    """Return the settings that `backend` has parameters for, without those `skipped`.

    Raises InvalidSetting for one that is set to something else than its default and that the backend has not.
    """
    taken = signature(backend).parameters
    fields = type(section).model_fields
    offered = {key: getattr(section, key) for key in fields if key not in skipped}
    for key, value in offered.items():
        if key not in taken and value != fields[key].default:
            raise InvalidSetting(
                f"The backend '{getattr(section, 'backend', '')}' has no setting {name}.{key}; it is '{value}'.",
                f"Remove it; it takes {', '.join(key for key in taken if key in offered)}.",
            )
    return {key: value for key, value in offered.items() if key in taken}
