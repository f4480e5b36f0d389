"""Clients that repeat one thing, in one process that does next to nothing, so that none queue inside it.

python -m benchmarks.crowd PORT KEY SEARCHERS CHATTERS SECONDS        # prints JSON; benchmarks.service starts it
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from resource import RUSAGE_SELF, getrusage
from typing import Any

SUBJECTS = "pump valve filter motor sensor belt lamp gate press tank".split()
_SECONDS = 120  # without a word from the server: lost


@dataclass(slots=True)
class Got:
    """What one sort of client got: how often each status, and how long each answer took, in seconds."""

    statuses: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)


def question() -> str:
    """Return a question that hardly any cache has."""
    return f"When was the {random.choice(SUBJECTS)} number {random.randint(0, 999)}-{random.randint(0, 39)} checked?"


def searching() -> dict[str, Any]:
    """Return the body of a search."""
    return {"knowledge_bases": ["papers"], "question": question()}


def chatting() -> dict[str, Any]:
    """Return the body of a chat."""
    return {"knowledge_base": "papers", "question": question()}


class Client:
    """One connection that is kept; speaks just enough HTTP/1.1."""

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._key = key
        self._reader: asyncio.StreamReader | None = None

    async def post(self, path: str, body: dict[str, Any]) -> tuple[int, float, bytes]:
        """Return status, Retry-After in seconds and the text of the answer."""
        if self._reader is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        text = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: kb\r\nAuthorization: Bearer {self._key}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
        self._writer.write(head.encode() + text)
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("ascii").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        return int(lines[0].split()[1]), float(headers.get("retry-after", 1)), await self._text(self._reader, headers)

    async def _text(self, reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
        if "content-length" in headers:
            return await reader.readexactly(int(headers["content-length"]))
        text = b""
        while size := int(await reader.readline(), 16):
            text += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
        return text

    def forget(self) -> None:
        """Begin with another connection."""
        self._reader = None


async def repeat(client: Client, path: str, until: float, got: Got) -> None:
    """Do one thing over and over; who is refused waits as long as it was told."""
    while time.perf_counter() < until:
        started = time.perf_counter()
        body = chatting() if path.endswith("chat") else searching()
        pause = 1.0
        try:
            status, pause, text = await asyncio.wait_for(client.post(path, body), _SECONDS)
            whole = status != 200 or path.endswith("search") or b"event: done" in text
            said = str(status) if whole else "broken off"
        except (OSError, EOFError, TimeoutError) as error:
            said = type(error).__name__
            client.forget()
        got.statuses[said] += 1
        if said == "200":
            got.seconds.append(time.perf_counter() - started)
        else:
            await asyncio.sleep(pause)


async def crowd(port: int, key: str, sizes: dict[str, int], seconds: float) -> dict[str, Got]:
    """Let them all in at once; returns what they got."""
    got = {path: Got() for path in sizes}
    until = time.perf_counter() + seconds
    work = [repeat(Client(port, key), path, until, got[path]) for path, size in sizes.items() for _ in range(size)]
    await asyncio.gather(*work)
    return got


def main() -> None:
    """Be the crowd; the processor time it took is told too."""
    port, key, searchers, chatters, seconds = sys.argv[1:]
    sizes = {"/api/v1/search": int(searchers), "/api/v1/chat": int(chatters)}
    got = asyncio.run(crowd(int(port), key, sizes, float(seconds)))
    spent = getrusage(RUSAGE_SELF)
    told = {path.rpartition("/")[2]: {"statuses": one.statuses, "seconds": one.seconds} for path, one in got.items()}
    print(json.dumps({**told, "processor": spent.ru_utime + spent.ru_stime}))


if __name__ == "__main__":
    main()
