"""What `/api/v1` takes and gives."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_LONGEST_QUESTION = 8000


def speakable(text: str) -> str:
    """Take out what no database can store, and refuse what is then empty."""
    cleaned = text.encode("utf-8", "replace").decode("utf-8").replace("\0", "").strip()
    if not cleaned:
        raise ValueError("must not be empty")
    return cleaned


Question = Annotated[str, Field(max_length=_LONGEST_QUESTION), AfterValidator(speakable)]

BaseName = Annotated[str, Field(min_length=1, max_length=128)]

Label = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(speakable)]


def example(**values: Any) -> ConfigDict:  # noqa: ANN401 - JSON
    """Return the configuration of a model that shows this in the API's description."""
    return ConfigDict(json_schema_extra={"examples": [values]})


class Taken(BaseModel):
    """A request's body: a key it does not know is an error, not overlooked."""

    model_config = ConfigDict(extra="forbid")
