"""The FastAPI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from starlette.concurrency import run_in_threadpool

from kb_server import __version__
from kb_server.api.chatchat import bases as chatchat_bases
from kb_server.api.chatchat import chat as chatchat_chat
from kb_server.api.chatchat import files as chatchat_files
from kb_server.api.errors import PlainTooLarge, Problem, Problems, chatchat_error, openai_error
from kb_server.api.openai import chat as openai_chat
from kb_server.api.openai import files as openai_files
from kb_server.api.openai import models as openai_models
from kb_server.api.request_log import RequestLog, telemetry
from kb_server.api.service import make_service
from kb_server.api.v1 import (
    audit,
    bases,
    cases,
    chat,
    chunks,
    conversations,
    documents,
    evaluations,
    health,
    jobs,
    keys,
    knn,
    search,
    snapshots,
    system,
    tasks,
)
from kb_server.api.v1 import transfer as moving
from kb_server.app import Application

_LARGEST_BODY = 4 << 20  # uploads have a limit of their own
_PROBLEM = {"model": Problem, "content": {"application/problem+json": {}}}
_OURS = (
    *(health, bases, documents, chunks, jobs, search, chat, conversations),
    *(tasks, knn, cases, evaluations, snapshots, moving, keys, system, audit),
)
_OPENAI = (openai_models, openai_chat, openai_files)
_CHATCHAT = (chatchat_bases, chatchat_files, chatchat_chat)
_ERROR_SHAPES = {"/v1/": openai_error, **dict.fromkeys(("/knowledge_base/", "/chat/", "/tools"), chatchat_error)}


def create_app(application: Application) -> FastAPI:
    """Return the service over these use cases; closing them stays with the caller."""
    service = make_service(application)
    options = application.settings.service

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(service.close)

    app = FastAPI(
        title="kb-server",
        version=__version__,
        summary="Ask your own documents and get answers you can check.",
        docs_url=None,  # these pages load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
        telemetry=telemetry(options.traces),
        responses={"4XX": _PROBLEM, "5XX": _PROBLEM},
    )
    app.state.service = service
    for module in (*_OURS, *_OPENAI, *_CHATCHAT):
        app.include_router(module.router, max_body_size=_LARGEST_BODY)
    problems = Problems(_ERROR_SHAPES)
    problems.install(app)
    app.add_middleware(PlainTooLarge, problems=problems)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=options.origins,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "X-Request-ID"],
        expose_headers=["X-Request-ID", "Retry-After"],
        allow_credentials=False,
    )
    app.add_middleware(RequestLog, metrics=service.metrics)
    return app
