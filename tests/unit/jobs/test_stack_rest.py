"""The client of Flink's REST interface, against a server that answers what Flink answered."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from jobs.stack.rest import FlinkRest, RestError

JOB = "987502ecbcc1ea3b451282af2652aed7"


class FakeFlink:
    """Answers by method and path; an answer may be a list, one for each call, the last one repeated."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], Any] = {}
        self.calls: list[tuple[str, str, Any]] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                path = urlsplit(self.path).path
                fake.calls.append((self.command, self.path, body))
                status, answer = fake.next_answer(self.command, path, self.path)
                data = json.dumps(answer).encode() if not isinstance(answer, bytes) else answer
                self.send_response(status)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = _answer

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def next_answer(self, method: str, path: str, whole: str) -> tuple[int, Any]:
        answer = self.answers.get((method, path), (404, {"errors": ["Not found: " + path]}))
        if callable(answer):
            answer = answer(whole)
        elif isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        return answer if isinstance(answer, tuple) else (200, answer)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def flink() -> Iterator[FakeFlink]:
    fake = FakeFlink()
    yield fake
    fake.close()


@pytest.fixture
def rest(flink: FakeFlink) -> FlinkRest:
    return FlinkRest(flink.url + "/", timeout_s=5)


def job(name: str, state: str, start: int) -> dict[str, Any]:
    return {"jid": name, "name": name, "state": state, "start-time": start, "end-time": -1, "duration": 5}


def test_jobs_newest_first_and_which_of_them_live(flink: FakeFlink, rest: FlinkRest) -> None:
    states = ["RUNNING", "FINISHED", "RESTARTING", "FAILED", "CANCELED", "CREATED"]
    flink.answers["GET", "/jobs/overview"] = {"jobs": [job(f"j{i}", state, i) for i, state in enumerate(states)]}

    assert [j.id for j in rest.jobs()] == ["j5", "j4", "j3", "j2", "j1", "j0"]
    assert [j.id for j in rest.live_jobs()] == ["j5", "j2", "j0"]
    assert [j.id for j in rest.live_jobs("j2")] == ["j2"]


def test_a_job_with_its_vertices(flink: FakeFlink, rest: FlinkRest) -> None:
    metrics = {"read-records": 7, "write-records": None}
    vertex = {"id": "v", "name": "MODEL", "parallelism": 2, "status": "RUNNING", "metrics": metrics}
    flink.answers["GET", f"/jobs/{JOB}"] = job(JOB, "RUNNING", 1) | {"vertices": [vertex]}

    (found,) = rest.vertices(JOB)

    assert (found.id, found.name, found.parallelism, found.read_records, found.write_records) == ("v", "MODEL", 2, 7, 0)


def test_metrics_are_summed_asked_in_portions_and_texts_left_out(flink: FakeFlink, rest: FlinkRest) -> None:
    path = f"/jobs/{JOB}/vertices/v/subtasks/metrics"

    def answer(whole: str) -> list[dict[str, Any]]:
        names = parse_qs(urlsplit(whole).query)["get"][0].split(",")
        assert len(names) <= 20
        return [
            {"id": n, "sum": float(len(n))} if n != "text" else {"id": n, "sum": "NaN?"} for n in names if n != "new"
        ]

    flink.answers["GET", path] = answer
    names = [f"metric{i}" for i in range(45)] + ["text", "new"]

    found = rest.metrics(JOB, "v", names)

    assert found == {name: float(len(name)) for name in names[:45]}
    assert all("agg=sum" in call[1] for call in flink.calls) and len(flink.calls) == 3


def test_metric_names_without_the_subtask(flink: FakeFlink, rest: FlinkRest) -> None:
    listed = ["0.numRecordsIn", "1.numRecordsIn", "0.MODEL.rows_scored", "numRecordsInPerSecond.max"]
    flink.answers["GET", f"/jobs/{JOB}/vertices/v/metrics"] = lambda _: [{"id": name} for name in listed]

    assert rest.metric_names(JOB, "v") == ["MODEL.rows_scored", "numRecordsIn"]


def test_a_savepoint_is_waited_for(flink: FakeFlink, rest: FlinkRest) -> None:
    flink.answers["POST", f"/jobs/{JOB}/stop"] = (202, {"request-id": "r1"})
    flink.answers["GET", f"/jobs/{JOB}/savepoints/r1"] = [
        {"status": {"id": "IN_PROGRESS"}, "operation": None},
        {"status": {"id": "COMPLETED"}, "operation": {"location": "file:/s/savepoint-1"}},
    ]

    assert rest.stop_with_savepoint(JOB, directory="file:///s") == "file:/s/savepoint-1"
    assert flink.calls[0][2] == {"drain": False, "targetDirectory": "file:///s"}


def test_a_failed_savepoint_says_why(flink: FakeFlink, rest: FlinkRest) -> None:
    trace = "java.util.concurrent.CompletionException: x\n\tat y\nCaused by: java.io.IOException: disk full\n\tat z"
    flink.answers["POST", f"/jobs/{JOB}/stop"] = {"request-id": "r1"}
    flink.answers["GET", f"/jobs/{JOB}/savepoints/r1"] = {
        "status": {"id": "COMPLETED"},
        "operation": {"failure-cause": {"class": "x", "stack-trace": trace}},
    }

    with pytest.raises(RestError, match=r"savepoint failed: Caused by: java\.io\.IOException: disk full"):
        rest.stop_with_savepoint(JOB)


def test_a_savepoint_that_never_ends(flink: FakeFlink, rest: FlinkRest) -> None:
    flink.answers["POST", f"/jobs/{JOB}/stop"] = {"request-id": "r1"}
    flink.answers["GET", f"/jobs/{JOB}/savepoints/r1"] = {"status": {"id": "IN_PROGRESS"}}

    with pytest.raises(RestError, match="was not done after 0 s"):
        rest.stop_with_savepoint(JOB, timeout_s=0.1)


def test_waiting_for_the_end(flink: FakeFlink, rest: FlinkRest) -> None:
    vertices: dict[str, Any] = {"vertices": []}
    flink.answers["PATCH", f"/jobs/{JOB}"] = (202, b"")
    flink.answers["GET", f"/jobs/{JOB}"] = [job(JOB, s, 1) | vertices for s in ("RUNNING", "CANCELLING", "CANCELED")]

    rest.cancel(JOB)
    assert rest.wait_for_end(JOB).state == "CANCELED"
    assert flink.calls[0][:2] == ("PATCH", f"/jobs/{JOB}?mode=cancel")
    flink.answers["GET", f"/jobs/{JOB}"] = job(JOB, "RUNNING", 1) | vertices
    with pytest.raises(RestError, match=f"job {JOB} is still RUNNING"):
        rest.wait_for_end(JOB, timeout_s=0.1)


def test_failures_newest_first_also_without_a_trace(flink: FakeFlink, rest: FlinkRest) -> None:
    entries = [{"exceptionName": "A", "stacktrace": "A: second\n at"}, {"exceptionName": "B"}]
    flink.answers["GET", f"/jobs/{JOB}/exceptions"] = {"exceptionHistory": {"entries": entries, "truncated": False}}

    assert rest.exceptions(JOB) == ["A: second\n at", "B"]


def test_checkpoints(flink: FakeFlink, rest: FlinkRest) -> None:
    newest = {
        "id": 9,
        "external_path": "file:/c/chk-9",
        "is_savepoint": False,
        "state_size": 940,
        "end_to_end_duration": 43,
        "trigger_timestamp": 5,
    }
    flink.answers["GET", f"/jobs/{JOB}/checkpoints"] = {
        "counts": {"completed": 2, "failed": 1, "in_progress": 0, "restored": 3},
        "latest": {"completed": newest, "savepoint": None},
    }

    found = rest.checkpoints(JOB)

    assert (found.completed, found.failed, found.restored) == (2, 1, 3)
    assert found.latest is not None and (found.latest.path, found.latest.state_bytes) == ("file:/c/chk-9", 940)
    assert found.latest_savepoint is None


def test_what_flink_refuses_is_its_own_last_word(flink: FakeFlink, rest: FlinkRest) -> None:
    flink.answers["GET", "/jobs/x"] = (400, {"errors": ["Bad request.", "Cannot resolve path parameter (jobid)\n\n"]})

    with pytest.raises(RestError, match=r"refused GET /jobs/x: Cannot resolve path parameter") as caught:
        rest.job("x")
    assert caught.value.status == 400
    flink.answers["GET", "/jobs/x"] = (502, b"<html>proxy</html>")
    with pytest.raises(RestError, match="HTTP 502"):
        rest.job("x")


def test_nobody_there_says_where(flink: FakeFlink) -> None:
    flink.close()
    with pytest.raises(RestError, match=f"no Flink answers at {flink.url} .*`cutbank status`") as caught:
        FlinkRest(flink.url).overview()
    assert caught.value.status == 0 and caught.value.exit_code == 1
