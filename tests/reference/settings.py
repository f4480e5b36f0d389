"""docs/reference/settings.md: every setting with its type, its default and its comment in configs/default.yaml."""

import re
from collections.abc import Iterator
from enum import Enum
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from kb_server.config.settings import Settings
from tests.paths import CONFIGS
from tests.reference.pages import table

_LINE = re.compile(r"(?P<indent> *)(?:# )?(?P<key>\w+):(?P<rest>.*)")
_NAMES = {"str": "text", "int": "whole number", "float": "number", "bool": "true · false", "Path": "path"}
_INTRODUCTION = """# Settings 设置参考

Order: arguments, then the environment, then the file (`kb --config FILE` or KB_CONFIG), then these defaults. In the
environment `retrieval.k` is KB_RETRIEVAL__K. `null` means that nothing is set.
优先级：命令参数、环境变量、设置文件、默认值。
"""


def settings_page() -> str:
    """Return the page."""
    comments = read_comments((CONFIGS / "default.yaml").read_text("utf-8"))
    plain, sections = list[tuple[str, FieldInfo]](), dict[str, list[tuple[str, FieldInfo]]]()
    for key, field in leaves(Settings):
        sections.setdefault(key.partition(".")[0], plain if "." not in key else []).append((key, field))
    parts = [_INTRODUCTION, _table(plain, comments)]
    for name, fields in sections.items():
        if fields is not plain:
            parts.append(f"## {name}\n\n{comments.get(name, '')}\n\n{_table(fields, comments)}")
    return "\n".join(parts).rstrip() + "\n"


def leaves(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield each key that holds a value, with dots."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from leaves(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name, field


def read_comments(text: str) -> dict[str, str]:
    """Return what the file says of each key (with dots): behind it, in lines below it, or in the lines above it."""
    comments: dict[str, str] = {}
    path: list[str] = []
    above: list[str] = []
    for line in text.splitlines():
        found = _LINE.fullmatch(line)
        if found and (not line.lstrip().startswith("#") or line.startswith("# home:")):
            path = [*path[: len(found["indent"]) // 2], found["key"]]
            said = _comment(found["rest"])
            comments[".".join(path)] = said or " ".join(above)
            above = []
        elif not line.strip():
            above = []
        elif line.startswith("#"):
            above.append(line[1:].strip())
        elif line.lstrip().startswith("# ") and not line.lstrip().startswith("# - {"):
            comments[".".join(path)] += " " + line.strip()[1:].strip()
    return comments


def _comment(rest: str) -> str:
    """Return what stands behind the value; a `#` between quotes is the value's own."""
    outside = re.sub(r'"[^"]*"', lambda quoted: "_" * len(quoted[0]), rest)
    place = outside.find(" # ")
    return rest[place + 3 :].strip() if place >= 0 else ""


def _table(fields: list[tuple[str, FieldInfo]], comments: dict[str, str]) -> str:
    rows = [(f"`{key}`", _type(field), _default(field), comments.get(key, "")) for key, field in fields]
    return table(("Key", "Takes", "Default", "What it does"), rows)


def _type(field: FieldInfo) -> str:
    bounds = {type(each).__name__.lower(): each for each in field.metadata}
    words = {"ge": "from {:g}", "gt": "more than {:g}", "le": "to {:g}", "lt": "less than {:g}"}
    said = [form.format(getattr(bounds[name], name)) for name, form in words.items() if name in bounds]
    return ", ".join([_kind(field.annotation), " ".join(said)]) if said else _kind(field.annotation)


def _kind(annotation: Any) -> str:  # noqa: ANN401 - a type as pydantic keeps it
    arguments = [each for each in get_args(annotation) if each not in (NoneType, Ellipsis)]
    origin = get_origin(annotation)
    if origin is Literal:
        return " · ".join(f"`{each}`" for each in arguments)
    if origin in (tuple, list):
        return f"list of {_kind(arguments[0])}"
    if origin is not None and origin is not dict and len(arguments) == 1:
        return _kind(arguments[0])
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " · ".join(f"`{member.value}`" for member in annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "keys, see configs/default.yaml"
    name = getattr(origin or annotation, "__name__", "")
    return _NAMES.get(name, {"SecretStr": "text, kept secret", "dict": "keys", "Mapping": "keys"}.get(name, name))


def _default(field: FieldInfo) -> str:
    value = None if field.default is PydanticUndefined else field.default
    if field.default_factory is not None:
        return "see the comment"
    if isinstance(value, Enum):
        return f"`{value.value}`"
    if isinstance(value, bool) or value is None:
        return f"`{str(value).lower() if value is not None else 'null'}`"
    return f"`{list(value) if isinstance(value, tuple) else value}`" if value != "" else '`""`'
