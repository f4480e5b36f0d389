"""What is said of settings that are wrong: the key, its value, and what to do."""

import difflib
from collections.abc import Sequence

from pydantic import BaseModel, ValidationError

from kb_server.core.errors import InvalidSetting, UnknownSetting

_DEFAULTS = "configs/default.yaml"


def explain_invalid(
    error: ValidationError, known: Sequence[str], prefix: str = "", place: str = _DEFAULTS
) -> UnknownSetting | InvalidSetting:
    """Return the error as a person reads it.

    `prefix` stands before the keys of what was validated, `known` are the dotted names that there are, and `place`
    says what each takes.
    """
    first = error.errors()[0]
    key = (prefix + ".".join(str(part) for part in first["loc"])).rstrip(".")
    if first["type"] == "extra_forbidden":
        return unknown_key(key, known, place)
    if first["type"] == "missing":
        return InvalidSetting(f"The setting '{key}' is missing, and has no default.", f"{place} says what it takes.")
    return InvalidSetting(
        f"The setting '{key}' cannot be '{first['input']}': {first['msg']}.", f"{place} says what it takes."
    )


def unknown_key(key: str, known: Sequence[str], place: str = _DEFAULTS) -> UnknownSetting:
    """Return the error for a key that there is not, with the nearest one that there is."""
    near = difflib.get_close_matches(key, known, n=1)
    return UnknownSetting(
        f"There is no setting '{key}'.", f"Did you mean '{near[0]}'?" if near else f"{place} lists every setting."
    )


def keys_of(model: type[BaseModel], prefix: str = "") -> list[str]:
    """Return the dotted name of every setting."""
    names: list[str] = []
    for name, field in model.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            names += keys_of(section, f"{prefix}{name}.")
        else:
            names.append(f"{prefix}{name}")
    return names
