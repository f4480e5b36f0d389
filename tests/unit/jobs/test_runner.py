"""Jobs: stopped and gone on with, waiting without holding up others, failed files kept for a while."""

import threading
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from filelock import FileLock

from kb_server.api import worker as job_works
from kb_server.bases.open_base import OpenBase
from kb_server.catalog.jobs import Job, JobKind, Jobs, JobState
from kb_server.core.errors import StorageError, UsageError
from kb_server.ingest.web.crawler import Crawler
from kb_server.ingest.web.fetcher import Fetcher, FetchLimits
from kb_server.jobs import runner as job_runner
from kb_server.jobs.runner import JobControl, JobRunner, Work
from tests.unit.ingest.web.conftest import LOOPBACK, server, site
from tests.workshop import Workshop, workshop

__all__ = ["server", "site"]  # fixtures

BROKEN = b"%PDF-1.7\nthis is not one"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with workshop(tmp_path / "home") as made:
        made.app.bases.create("notes", embedder="toy")
        yield made


def runner(shop: Workshop, works: dict[JobKind, Work] | None = None) -> JobRunner:
    every = {**job_works.works(shop.app), **(works or {})}
    return JobRunner(shop.app.catalog.jobs, shop.app.ingest.uploads, every)


def upload(shop: Workshop, base: str = "notes", **files: str | bytes) -> str:
    """Hand in files; returns the job's id. `_` in a name stands for its dot."""
    received = shop.app.ingest.uploads.begin(100)
    for name, content in files.items():
        received.begin_file(name.replace("_", "."))
        received.write(content if isinstance(content, bytes) else content.encode())
        received.end_file()
    found = shop.app.bases.find(base)
    return shop.app.jobs.submit(found.id, "me", received, shop.app.bases.quota(found)).id


def test_pages_are_fetched_and_ingested(shop: Workshop, site: str) -> None:
    shop.app.ingest.__dict__["crawler"] = Crawler(Fetcher(FetchLimits(), LOOPBACK), 20)
    base = shop.app.bases.find("notes")
    job = shop.app.jobs.submit_pages(base.id, "me", [f"{site}/a", f"{site}/gone", f"{site}/private/x"], 0)
    assert runner(shop).run_next(Event())
    states = {file.name.removeprefix(site): (file.state, file.reason or "") for file in shop.app.jobs.files(job.id)}
    assert states["/a"] == ("done", "")
    assert states["/gone"][0] == states["/private/x"][0] == "failed"
    assert "404" in states["/gone"][1]
    assert "robots" in states["/private/x"][1]
    assert [document for document, _ in shop.found("notes", "lighthouse steps")] == [f"{site}/a"]
    assert not (shop.app.settings.home / "uploads" / job.id).exists()
    again = shop.app.jobs.retry(job.id)
    assert again.counts == {"queued": 2, "done": 1, "failed": 0, "cancelled": 0}
    assert runner(shop).run_next(Event())
    assert shop.app.jobs.find(job.id).counts["failed"] == 2


def test_links_are_followed_as_far_as_asked(shop: Workshop, site: str) -> None:
    shop.app.ingest.__dict__["crawler"] = Crawler(Fetcher(FetchLimits(), LOOPBACK), 20)
    job = shop.app.jobs.submit_pages(shop.app.bases.find("notes").id, "me", [f"{site}/"], 1)
    runner(shop).run_next(Event())
    (file,) = shop.app.jobs.files(job.id)
    assert file.state == "done"
    assert {name.removeprefix(site) for name in shop.state("notes")} == {"/", "/a", "/b"}


def test_a_job_that_is_stopped_is_gone_on_with(shop: Workshop) -> None:
    base, stop = shop.app.bases.find("notes"), Event()
    job = shop.app.jobs.submit_task(base.id, "me", JobKind.REINDEX, {"embedder": "other"})
    seen: list[int] = []

    def work(_job: Job, steering: JobControl) -> dict[str, int]:
        for done in range(5):
            seen.append(done)
            if done == 2 and len(seen) == 3:
                stop.set()
            steering.check()
        steering.progress(5, 5)
        return {"steps": 5}

    works: dict[JobKind, Work] = {JobKind.REINDEX: work}
    assert runner(shop, works).run_next(stop)
    assert shop.app.jobs.find(job.id).state is JobState.RUNNING
    assert seen == [0, 1, 2]
    assert runner(shop, works).run_next(Event())
    over = shop.app.jobs.find(job.id)
    assert (over.state, over.result, over.done, over.total) == (JobState.DONE, {"steps": 5}, 5, 5)


def test_a_task_is_cancelled_between_its_steps(shop: Workshop) -> None:
    job = shop.app.jobs.submit_task(shop.app.bases.find("notes").id, "me", JobKind.MIGRATE, {"store": "annoy"})

    def work(_job: Job, steering: JobControl) -> None:
        shop.app.jobs.cancel(job.id)
        steering.progress(1, 1)
        raise AssertionError("it went on")

    assert runner(shop, {JobKind.MIGRATE: work}).run_next(Event())
    assert shop.app.jobs.find(job.id).state is JobState.CANCELLED


@pytest.mark.parametrize("error", [UsageError("No.", "Not so."), StorageError("Lost.", ""), ValueError("a slip")])
def test_a_task_that_breaks_has_failed_and_says_why(shop: Workshop, error: Exception) -> None:
    job = shop.app.jobs.submit_task(shop.app.bases.find("notes").id, "me", JobKind.REINDEX, {})

    def work(*_: object) -> None:
        raise error

    assert runner(shop, {JobKind.REINDEX: work}).run_next(Event())
    failed = shop.app.jobs.find(job.id)
    assert failed.state is JobState.FAILED
    assert failed.error == (
        "An error of the program; the log of the service has it." if error.args == ("a slip",) else str(error)
    )
    assert shop.app.jobs.retry(job.id).state is JobState.QUEUED


def test_a_job_that_waits_lets_others_go_first(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_runner, "_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(OpenBase.writing.__wrapped__, "__defaults__", (0.1,))  # type: ignore[attr-defined]  # seconds
    shop.app.bases.create("other", embedder="toy")
    first = upload(shop, a_txt="The owl sleeps.")
    second = upload(shop, "other", b_txt="The cat hunts.")
    lock = FileLock(shop.app.bases.files(shop.app.bases.find("notes")).write_lock)
    shop.app.bases.files(shop.app.bases.find("notes")).make()
    with lock:
        assert runner(shop).run_next(Event())
        assert shop.app.jobs.find(second).state is JobState.DONE
        waiting = shop.app.jobs.find(first)
        assert waiting.state is JobState.RUNNING
        assert "Another process is writing" in str(waiting.error)
    assert runner(shop).run_next(Event())
    assert (shop.app.jobs.find(first).state, shop.app.jobs.find(first).error) == (JobState.DONE, None)


def test_failed_files_are_kept_of_the_last_ten_jobs(shop: Workshop) -> None:
    ids = [upload(shop, broken_pdf=BROKEN, good_txt=f"Number {i}.") for i in range(12)]
    while runner(shop).run_next(Event()):
        pass
    folder = shop.app.settings.home / "uploads"
    assert {path.name for path in folder.iterdir()} == set(ids[2:])
    shop.app.ingest.uploads.sweep(runner(shop)._known)
    assert {path.name for path in folder.iterdir()} == set(ids[2:])
    with pytest.raises(UsageError, match="is kept"):
        shop.app.jobs.retry(ids[0])
    assert shop.app.jobs.retry(ids[11]).counts["queued"] == 1


def test_two_runners_never_have_one_job(shop: Workshop) -> None:
    base, at_once, most = shop.app.bases.find("notes"), [0], [0]
    guard, worked = threading.Lock(), list[str]()

    def work(job: Job, _steering: JobControl) -> None:
        with guard:
            worked.append(job.id)
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        Event().wait(0.02)
        with guard:
            at_once[0] -= 1

    for _ in range(6):
        shop.app.jobs.submit_task(base.id, "me", JobKind.REINDEX, {})
    rows = Jobs(shop.app.catalog.database)

    def run() -> None:
        own = JobRunner(rows, shop.app.ingest.uploads, {JobKind.REINDEX: work})
        while own.run_next(Event(), (JobKind.REINDEX,)):
            pass

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(worked) == sorted(job.id for job in rows.of_bases([base.id], 10))
    assert most[0] >= 2, "different jobs run at once"
    assert all(job.state is JobState.DONE for job in rows.of_bases([base.id], 10))
