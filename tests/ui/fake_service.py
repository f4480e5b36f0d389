"""A service that says what a test wants it to say: over real HTTP, from a thread of this process."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from webui.client.connection import pool

NOW = "2026-11-24T10:00:00Z"
QUOTE = "The lamp turns green after 7 seconds."
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
PASSAGE = f"Hold the red button. {QUOTE} Nothing that was measured is lost."


def hit(chunk_id: int = 1, document: str = "device.txt", text: str = PASSAGE) -> dict[str, Any]:
    """Return a passage that was found."""
    return {
        "chunk_id": chunk_id,
        "document": document,
        "page": 3,
        "heading_path": ["Manual", "Reset"],
        "text": text,
        "start": 0,
        "end": len(text),
        "score": 0.83,
        "stages": {"dense": 0.8, "lexical": 0.6},
        "knowledge_base": "handbook",
        "also": [],
    }


def answer(text: str = f"{QUOTE}[1]", quote: str = QUOTE, supported: bool = True, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return an answer with one citation."""
    start = PASSAGE.find(quote)
    at = {"knowledge_base": "handbook", "chunk_id": 1, "document": "device.txt", "page": 3, "start": start}
    citation = {"number": 1, **at, "quote": quote}
    return {
        "answer": text,
        "refused": False,
        "mode": "extract",
        "model": None,
        "hits": [hit()],
        "citations": [{**citation, "end": start + len(quote), "supported": supported}],
        "timings_ms": {"retrieve": 12.0, "first_token": 20.0, "total": 300.0},
        "notes": [],
        **more,
    }


def job(kind: str, state: str = "done", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return a job that is not about files, as a list has it."""
    over = NOW if state == "done" else None
    made = {"id": f"{kind}-job", "kind": kind, "knowledge_base": "handbook", "state": state, "error": None}
    return {**made, "created": NOW, "finished": over, "files": {}, "done": 0, "total": 0, "result": None, **more}


class FakeService:
    """What a test may set before it looks at the page, and see afterwards."""

    def __init__(self) -> None:
        self.scope = "admin"
        self.key = ""  # the only one that is valid; any is where this is empty
        self.bases: list[dict[str, Any]] = []
        self.documents: list[dict[str, Any]] = []
        self.generators = [{"name": "SmolLM2", "chosen": True, "loaded": False, "askable": True}]
        self.prompts: list[str] = []
        self.embedders: list[dict[str, Any]] = []
        self.jobs: list[dict[str, Any]] = []
        self.conversations: dict[str, dict[str, Any]] = {}
        self.answer = answer()
        self.pause = 0.0
        self.sent: list[float] = []
        self.breaks_off = False
        self.failure: tuple[int, str, str] | None = None
        self.refusals: dict[tuple[str, str], tuple[int, str, str]] = {}
        self.canned: dict[tuple[str, str], Any] = {}
        self.calls: list[tuple[str, str, Any]] = []
        self.add_base("handbook", documents=2)
        self._server = _start(self._app())
        self.url = f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    def add_base(self, name: str, documents: int = 0) -> None:
        """Make a base."""
        sizes = {"description": "", "documents": documents, "chunks": 3 * documents}
        sizes["splitting"] = {"size": 300, "overlap": 40, "by": "sentences", "delimiter": ""}
        self.bases.append({"name": name, "store": "faiss", "embedder": "MiniLM", "created": NOW, **sizes})

    def add_document(self, name: str, **more: Any) -> None:  # noqa: ANN401 - JSON
        """Put a document into every base."""
        known = {"id": len(self.documents) + 1, "name": name, "state": "indexed", "pages": 2, "chunks": 1}
        self.documents.append({**known, "sha256": "0" * 64, "error": None, **more})

    def called(self, method: str, path: str) -> list[Any]:
        """Return the bodies of the requests to a path."""
        return [body for made, to, body in self.calls if (made, to) == (method, path)]

    def close(self) -> None:
        """Stop answering, and close this process's connections: the next service may get the same port."""
        self._server.should_exit = True
        connections = pool(self.url)
        pool.cache_clear()  # first, so that a page still at work never gets what is closed
        connections.close()

    def _app(self) -> FastAPI:
        app = FastAPI()
        app.middleware("http")(self._noted)
        for method, path, route in (
            ("GET", "/health/ready", lambda: {"status": "ok", "version": "0"}),
            ("GET", "/api/v1/me", lambda: {"id": "me", "scope": self.scope, "knowledge_bases": None}),
            ("GET", "/api/v1/knowledge-bases", lambda: {"knowledge_bases": self.bases}),
            (
                "GET",
                "/api/v1/models",
                lambda: {"embedders": self.embedders, "generators": self.generators, "prompts": self.prompts},
            ),
            ("GET", "/api/v1/jobs", lambda: {"jobs": self.jobs}),
            ("GET", "/api/v1/conversations", lambda: {"conversations": list(self.conversations.values())[::-1]}),
            ("POST", "/api/v1/search", lambda: {"hits": [hit()], "timings_ms": {}}),
            ("GET", "/api/v1/knowledge-bases/{base}/tags", lambda: {"tags": self._tags()}),
            ("GET", "/api/v1/knowledge-bases/{base}/questions", lambda: {"questions": ["How long does it take?"]}),
        ):
            app.add_api_route(path, route, methods=[method])
        app.add_api_route("/api/v1/knowledge-bases/{base}/documents", self._documents)
        picture = lambda: Response(PIXEL, media_type="image/png")  # noqa: E731
        app.add_api_route("/api/v1/knowledge-bases/{base}/documents/{id_}/pages/{page}", picture)
        app.add_api_route("/api/v1/jobs/{id_}", lambda id_: next(one for one in self.jobs if one["id"] == id_))
        app.add_api_route("/api/v1/conversations", self._begin, methods=["POST"])
        app.add_api_route("/api/v1/conversations/{id_}", self._conversation)
        app.add_api_route("/api/v1/chat", self._chat, methods=["POST"])
        return app

    async def _noted(self, request: Request, call_next: Any) -> Response:  # noqa: ANN401 - Starlette's
        body = await request.body()
        kind = request.headers.get("content-type", "")
        self.calls.append((request.method, request.url.path, json.loads(body) if "json" in kind and body else None))
        failure = self.refusals.get((request.method, request.url.path), self.failure)
        if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
            failure = (401, "unauthorized", "No such key.")
        if failure is not None and request.url.path != "/health/ready":
            status, code, detail = failure
            return JSONResponse({"code": code, "detail": detail, "hint": ""}, status, {"Retry-After": "1"})
        canned = self.canned.get((request.method, request.url.path))
        if canned is not None:
            return JSONResponse(canned)
        response: Response = await call_next(request)
        if response.status_code == 404 and request.method in ("POST", "PATCH", "PUT", "DELETE"):
            return Response(status_code=204)
        return response

    def _documents(self, base: str, limit: int = 100, offset: int = 0, name: str = "") -> dict[str, Any]:  # noqa: ARG002 - of its path
        found = [one for one in self.documents if not name or one["name"] == name]
        return {"documents": found[offset : offset + limit], "total": len(found)}

    def _tags(self) -> list[dict[str, Any]]:
        every = [tag for document in self.documents for tag in document.get("tags", ())]
        return [{"tag": tag, "documents": every.count(tag)} for tag in sorted(set(every))]

    async def _begin(self, request: Request) -> dict[str, Any]:
        made = {"id": f"c{len(self.conversations) + 1}", "created": NOW, "messages": [], **(await request.json())}
        self.conversations[made["id"]] = made
        return made

    def _conversation(self, id_: str) -> Any:  # noqa: ANN401 - JSON
        return self.conversations.get(id_) or JSONResponse({"code": "not_found", "detail": "No."}, 404)

    async def _chat(self, request: Request) -> StreamingResponse:
        asked = await request.json()
        return StreamingResponse(self._events(asked), media_type="text/event-stream")

    def _events(self, asked: dict[str, Any]) -> Iterator[str]:
        messages = self.conversations[asked["conversation_id"]]["messages"]
        messages.append(turn(len(messages), "user", asked["question"]))
        yield _event("retrieved", {"hits": self.answer["hits"]})
        for piece in self.answer["answer"].split(" "):
            time.sleep(self.pause)
            self.sent.append(time.time())
            yield _event("token", {"text": f"{piece} "})
        if self.breaks_off:
            yield _event("error", {"code": "generation", "message": "The language model could not answer.", "hint": ""})
            return
        messages.append({**turn(len(messages), "assistant", self.answer["answer"]), "answer": self.answer})
        yield _event("done", self.answer)


def turn(place: int, role: str, content: str) -> dict[str, Any]:
    """Return a message."""
    return {
        "id": f"m{place}",
        "role": role,
        "content": content,
        "answer": None,
        "complete": True,
        "score": None,
        "reason": None,
        "created": NOW,
    }


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


def _start(app: FastAPI) -> uvicorn.Server:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    threading.Thread(target=server.run, daemon=True).start()
    deadline = time.monotonic() + 10
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    return server
