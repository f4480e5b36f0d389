"""Evaluating a base over HTTP: its cases, runs over them, and how two runs differ."""

from typing import Any

import httpx
import pytest

from tests.api.conftest import Server, finished, problem


@pytest.fixture(scope="module")
def cases(admin: httpx.Client, handbook: str) -> list[Any]:
    """Return the cases of the handbook: made, and written by hand."""
    place = f"/api/v1/knowledge-bases/{handbook}/cases"
    made = admin.post(f"{place}/make", json={"answerable": 4, "unanswerable": 2})
    assert made.status_code == 201, made.text
    own = {"question": "How long is the red button held?", "answers": ["seven seconds"], "documents": ["device.txt"]}
    assert admin.post(place, json={"cases": [own]}).status_code == 201
    wrong = {**own, "answers": ["nine seconds"]}
    assert admin.post(place, json={"cases": [wrong]}).status_code == 201
    listed: list[Any] = admin.get(place).json()["cases"]
    return listed


def _run(client: httpx.Client, base: str) -> str:
    run = client.post(f"/api/v1/knowledge-bases/{base}/evaluations", json={"mode": "extract"})
    assert run.status_code == 202, run.text
    id_: str = run.json()["id"]
    assert finished(client, id_)["state"] == "done"
    return id_


def test_cases_are_made_added_edited_and_deleted(admin: httpx.Client, handbook: str, cases: list[Any]) -> None:
    place = f"/api/v1/knowledge-bases/{handbook}/cases"
    assert {case["answerable"] for case in cases} == {True, False}
    assert all(case["answers"] and case["documents"] for case in cases if case["answerable"])
    first = {**cases[0], "kind": "mine"}
    id_ = first.pop("id")
    assert admin.put(f"{place}/{id_}", json=first).json() == {**first, "id": id_}
    page = admin.get(f"{place}?limit=1").json()
    assert page["cases"] == [{**first, "id": id_}]
    assert page["total"] == len(cases)
    extra = admin.post(place, json={"cases": [{"question": "Extra?", "answerable": False}]}).json()["cases"][0]["id"]
    assert admin.delete(f"{place}/{extra}").status_code == 204
    problem(admin.delete(f"{place}/{extra}"), 404, "not_found")
    problem(admin.put(f"{place}/{extra}", json=first), 404, "not_found")


def test_a_run_is_summed_up_listed_case_by_case_and_compared(
    server: Server, admin: httpx.Client, handbook: str, cases: list[Any]
) -> None:
    place = f"/api/v1/knowledge-bases/{handbook}/evaluations"
    first, second = _run(admin, handbook), _run(admin, handbook)
    listed = admin.get(place).json()["runs"]
    assert [run["id"] for run in listed][:2] == [second, first]
    detail = admin.get(f"{place}/{first}").json()
    assert detail["result"]["n"] == detail["summary"]["n"] == len(cases)
    assert detail["done"] == detail["total"] == len(cases)
    assert len(detail["coverage"]) == len(detail["risk"]) > 0
    assert detail["summary"]["intervals"]["recall@1"]
    results = admin.get(f"{place}/{first}/results").json()
    assert {result["id"] for result in results["results"]} == {str(case["id"]) for case in cases}
    failing = admin.get(f"{place}/{first}/results", params={"failing": True}).json()
    assert 1 <= failing["total"] < len(cases)
    assert "nine seconds" in [result["answers"][0] for result in failing["results"] if result["answers"]]
    assert all(result["failure"]["zh"] for result in failing["results"])
    compared = admin.get(f"{place}/{first}/compare/{second}").json()
    assert compared["n"] == len(cases)
    contains = compared["metrics"]["contains"]
    assert (contains["difference"], contains["low"], contains["high"]) == (0, 0, 0)
    assert contains["verdict"] == "no difference shown"
    report = admin.get(f"{place}/{first}/report")
    assert report.headers["content-disposition"].startswith("attachment")
    assert admin.delete(f"{place}/{second}").status_code == 204
    problem(admin.get(f"{place}/{second}"), 404, "not_found")
    assert not list((server.home / "bases").glob(f"*/evaluations/{second}"))


@pytest.mark.usefixtures("cases")
def test_a_run_needs_cases_and_is_of_one_base(admin: httpx.Client, handbook: str, empty: str) -> None:
    problem(admin.post(f"/api/v1/knowledge-bases/{empty}/evaluations", json={}), 400, "usage")
    run = _run(admin, handbook)
    problem(admin.get(f"/api/v1/knowledge-bases/{empty}/evaluations/{run}"), 404, "not_found")
    problem(admin.get(f"/api/v1/knowledge-bases/{handbook}/evaluations/none"), 404, "not_found")
    place = f"/api/v1/knowledge-bases/{handbook}/cases"
    assert admin.delete(place).status_code == 204
    admin.post(place, json={"cases": [{"question": "Another?", "answerable": False}]})
    other = _run(admin, handbook)
    found = problem(admin.get(f"/api/v1/knowledge-bases/{handbook}/evaluations/{run}/compare/{other}"), 400, "usage")
    assert "/" not in found["detail"]
