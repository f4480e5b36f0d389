"""The MCP server, by the client of the mcp package."""

import asyncio
import socket
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from mcp import StdioServerParameters
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from tests.api.conftest import COMMAND, Server

QUESTION = "How long is the red button held to reset the device?"


@pytest.fixture(scope="module")
def address(server: Server) -> Iterator[str]:
    """Return where the MCP server answers over HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(COMMAND), "mcp", "--http", "--port", str(port)]
    with subprocess.Popen(command, env=server.environment, stderr=subprocess.DEVNULL) as process:
        for _ in range(300):
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/mcp"
        process.terminate()


async def _use(client: Client, base: str) -> dict[str, Any]:
    listed = {tool.name for tool in (await client.list_tools()).tools}
    assert listed == {"list_knowledge_bases", "search", "ask"}
    bases = await client.call_tool("list_knowledge_bases", {})
    found = await client.call_tool("search", {"question": QUESTION, "knowledge_bases": [base], "k": 2})
    assert not found.is_error, found.content
    missing = await client.call_tool("search", {"question": QUESTION, "knowledge_bases": ["none"]})
    assert missing.is_error
    return {"bases": bases.structured_content, "found": found.structured_content}


def test_over_standard_input(server: Server, handbook: str, empty: str) -> None:
    async def talk() -> dict[str, Any]:
        parameters = StdioServerParameters(command=str(COMMAND), args=["mcp"], env=server.environment)
        async with Client(parameters) as client:
            used = await _use(client, handbook)
            answer = await client.call_tool("ask", {"question": QUESTION, "knowledge_base": handbook})
            several = {"question": QUESTION, "knowledge_base": empty, "also": [handbook]}
            both = await client.call_tool("ask", several)
            return {**used, "answer": answer.structured_content, "both": both.structured_content}

    used = asyncio.run(talk())
    assert {"name": handbook, "description": "", "documents": 2} in used["bases"]["knowledge_bases"]
    assert used["found"]["hits"][0]["document"] == "device.txt"
    assert "seven seconds" in used["answer"]["answer"]
    assert used["both"]["citations"] == used["answer"]["citations"]
    assert {citation["knowledge_base"] for citation in used["both"]["citations"]} == {handbook}


def test_over_http_each_key_sees_its_bases(server: Server, handbook: str, empty: str, address: str) -> None:
    async def talk(key: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {key}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60) as http,
            Client(streamable_http_client(address, http_client=http)) as client,
        ):
            return await _use(client, handbook)

    everything = {base["name"] for base in asyncio.run(talk(server.key))["bases"]["knowledge_bases"]}
    assert {handbook, empty} <= everything
    restricted = asyncio.run(talk(server.new_key("read", handbook)))
    assert [base["name"] for base in restricted["bases"]["knowledge_bases"]] == [handbook]


def test_over_http_nothing_goes_without_a_key(address: str) -> None:
    for headers in ({}, {"Authorization": "Bearer kb_0_0"}):
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        assert httpx2.post(address, json=body, headers=headers).status_code == 401
