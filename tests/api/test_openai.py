"""The OpenAI-compatible routes, by OpenAI's own client and by LangChain's."""

from collections.abc import Iterator

import numpy as np
import openai
import pytest
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from tests.api.conftest import HANDBOOK, PROGRAM, Server

QUESTION = "How long is the red button held to reset the device?"


@pytest.fixture(scope="module")
def client(server: Server, handbook: str) -> Iterator[openai.OpenAI]:  # noqa: ARG001 - the base must be there
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=server.key, max_retries=0) as made:
        yield made


def test_a_base_answers_as_a_model(client: openai.OpenAI, handbook: str) -> None:
    earlier: list[openai.types.chat.ChatCompletionMessageParam] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": QUESTION}]},
    ]
    made = client.chat.completions.create(model=handbook, messages=earlier)
    message = made.choices[0].message
    assert made.choices[0].finish_reason == "stop"
    assert "seven seconds" in (message.content or "")
    references = (message.model_extra or {})["references"]
    assert references[0]["quote"] in str(HANDBOOK["device.txt"])
    assert made.usage is not None
    assert made.usage.total_tokens == made.usage.prompt_tokens + made.usage.completion_tokens > 0


def test_a_stream_ends_with_references_and_usage(client: openai.OpenAI, handbook: str) -> None:
    stream = client.chat.completions.create(
        model=f"{handbook}@extract",
        messages=[{"role": "user", "content": QUESTION}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert "seven seconds" in text
    last = chunks[-2].choices[0]
    assert last.finish_reason == "stop"
    assert (last.delta.model_extra or {})["references"][0]["document"] == "device.txt"
    assert chunks[-1].usage is not None
    assert chunks[-1].choices == []


def test_completions(client: openai.OpenAI, handbook: str) -> None:
    made = client.completions.create(model=handbook, prompt=QUESTION)
    assert "seven seconds" in made.choices[0].text
    pieces = client.completions.create(model=handbook, prompt=QUESTION, stream=True)
    assert "".join(piece.choices[0].text for piece in pieces) == made.choices[0].text


def test_embeddings_are_the_embedders_own(client: openai.OpenAI) -> None:
    texts = ["The red button.", "报销单"]
    as_base64 = client.embeddings.create(model="multilingual-e5-small", input=texts)
    as_floats = client.embeddings.create(model="multilingual-e5-small", input=texts, encoding_format="float")
    for one, other in zip(as_base64.data, as_floats.data, strict=True):
        assert np.linalg.norm(one.embedding) == pytest.approx(1, abs=1e-5)
        assert one.embedding == pytest.approx(other.embedding, abs=1e-6)
    assert as_base64.usage.prompt_tokens > 0


def test_models_are_bases_and_embedders(client: openai.OpenAI, handbook: str) -> None:
    names = {model.id for model in client.models.list()}
    assert {handbook, f"{handbook}@extract", "multilingual-e5-small"} <= names
    assert client.models.retrieve(handbook).id == handbook


def test_files_are_kept_under_random_ids(client: openai.OpenAI, server: Server) -> None:
    made = client.files.create(file=("../../notes.txt", b"Some notes."), purpose="assistants")
    assert made.filename == "notes.txt"
    assert made.id.startswith("file-")
    assert made.bytes == 11
    assert client.files.content(made.id).content == b"Some notes."
    assert made.id in [file.id for file in client.files.list()]
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=server.new_key("admin")) as other:
        assert list(other.files.list()) == []
        with pytest.raises(openai.NotFoundError):
            other.files.content(made.id)
    assert client.files.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(made.id)
    with pytest.raises(openai.BadRequestError, match="program"):
        client.files.create(file=("notes.txt", PROGRAM), purpose="assistants")


def test_errors_have_openais_shape(client: openai.OpenAI, server: Server, handbook: str) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="nobody", messages=[{"role": "user", "content": "?"}])
    assert missing.value.code == "not_found"
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model=f"{handbook}@gpt", messages=[{"role": "user", "content": "?"}])
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model=handbook, messages=[{"role": "assistant", "content": "Hello"}])
    with pytest.raises(openai.UnprocessableEntityError, match="messages"):
        client.chat.completions.create(model=handbook, messages=[])
    with (
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="sk-nothing") as stranger,
        pytest.raises(openai.AuthenticationError),
    ):
        stranger.models.list()


def test_langchain_talks_to_it(server: Server, handbook: str) -> None:
    model = ChatOpenAI(model=handbook, base_url=f"{server.url}/v1", api_key=SecretStr(server.key))
    answer = model.invoke(QUESTION)
    assert "seven seconds" in str(answer.content)
    assert answer.usage_metadata is not None
    streamed = list(model.stream([("human", QUESTION)]))
    assert "".join(str(chunk.content) for chunk in streamed) == answer.content
