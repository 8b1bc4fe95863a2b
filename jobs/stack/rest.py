"""A small typed client of Flink's REST interface, on urllib."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.errors import StackError
from jobs.stack.processes import wait_until

RUNNING_STATES = frozenset({"INITIALIZING", "CREATED", "RUNNING", "FAILING", "CANCELLING", "RESTARTING", "SUSPENDED"})


class RestError(StackError):
    """The cluster answered with an error, or did not answer.

    Attributes
    ----------
    status
        HTTP status, or 0 when nothing answered.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Overview:
    """What the cluster has: TaskManagers, slots (all and free) and jobs by fate."""

    taskmanagers: int
    slots_total: int
    slots_available: int
    jobs_running: int
    jobs_finished: int
    jobs_cancelled: int
    jobs_failed: int
    flink_version: str


@dataclass(frozen=True)
class Vertex:
    """One operator chain of a job; counts are since its last start."""

    id: str
    name: str
    parallelism: int
    status: str
    read_records: int
    write_records: int


@dataclass(frozen=True)
class Job:
    """One job: ``start_time_ms``/``end_time_ms`` since 1970 (-1 while it runs), ``duration_ms``."""

    id: str
    name: str
    state: str
    start_time_ms: int
    end_time_ms: int
    duration_ms: int
    vertices: tuple[Vertex, ...] = field(default=())

    @property
    def is_live(self) -> bool:
        """Whether it runs or is on its way there or back (anything but finished, failed or cancelled)."""
        return self.state in RUNNING_STATES


@dataclass(frozen=True)
class Checkpoint:
    """One completed checkpoint or savepoint."""

    id: int
    path: str
    is_savepoint: bool
    state_bytes: int
    duration_ms: int
    trigger_time_ms: int


@dataclass(frozen=True)
class Checkpoints:
    """Counts since the job's start, and the newest completed checkpoint and savepoint.

    ``failed`` also counts those that were due while tasks were still starting; they harm nothing.
    """

    completed: int
    failed: int
    in_progress: int
    restored: int
    latest: Checkpoint | None
    latest_savepoint: Checkpoint | None


class FlinkRest:
    """Flink's REST interface at an address such as ``http://localhost:8081``; every call may raise
    `RestError`."""

    def __init__(self, url: str, *, timeout_s: float = 10.0) -> None:
        self.url = url.rstrip("/")
        self.timeout_s = timeout_s

    def overview(self) -> Overview:
        """TaskManagers, slots and job counts."""
        data = self.get("/overview")
        return Overview(
            taskmanagers=data["taskmanagers"],
            slots_total=data["slots-total"],
            slots_available=data["slots-available"],
            jobs_running=data["jobs-running"],
            jobs_finished=data["jobs-finished"],
            jobs_cancelled=data["jobs-cancelled"],
            jobs_failed=data["jobs-failed"],
            flink_version=data["flink-version"],
        )

    def jobs(self) -> list[Job]:
        """All jobs the cluster remembers, newest first, without their vertices."""
        found = [
            Job(j["jid"], j["name"], j["state"], j["start-time"], j["end-time"], j["duration"])
            for j in self.get("/jobs/overview")["jobs"]
        ]
        return sorted(found, key=lambda job: job.start_time_ms, reverse=True)

    def live_jobs(self, name: str | None = None) -> list[Job]:
        """Jobs that are running or on their way, newest first; of one name if given."""
        return [job for job in self.jobs() if job.is_live and (name is None or job.name == name)]

    def job(self, job_id: str) -> Job:
        """One job with its vertices."""
        data = self.get(f"/jobs/{job_id}")
        vertices = tuple(
            Vertex(
                v["id"],
                v["name"],
                v["parallelism"],
                v["status"],
                int(v["metrics"].get("read-records") or 0),
                int(v["metrics"].get("write-records") or 0),
            )
            for v in data["vertices"]
        )
        return Job(
            data["jid"],
            data["name"],
            data["state"],
            data["start-time"],
            data["end-time"],
            data["duration"],
            vertices,
        )

    def vertices(self, job_id: str) -> tuple[Vertex, ...]:
        """The operator chains of a job, in topological order."""
        return self.job(job_id).vertices

    def metric_names(self, job_id: str, vertex_id: str) -> list[str]:
        """Names of a vertex's metrics, each once (they are listed for every subtask as ``0.name``)."""
        listed = self.get(f"/jobs/{job_id}/vertices/{vertex_id}/metrics")
        return sorted({m["id"].partition(".")[2] for m in listed if m["id"].partition(".")[0].isdigit()})

    def metrics(self, job_id: str, vertex_id: str, names: Iterable[str] | None = None) -> dict[str, float]:
        """Metrics of a vertex summed over its subtasks; all of them when no names are given.

        A metric the cluster does not know (yet) is missing from the answer. Values that are no numbers are
        left out.
        """
        wanted = self.metric_names(job_id, vertex_id) if names is None else list(names)
        found: dict[str, float] = {}
        for start in range(0, len(wanted), 20):  # a longer address is refused
            query = urllib.parse.urlencode({"get": ",".join(wanted[start : start + 20]), "agg": "sum"})
            for metric in self.get(f"/jobs/{job_id}/vertices/{vertex_id}/subtasks/metrics?{query}"):
                try:
                    found[metric["id"]] = float(metric["sum"])
                except (KeyError, TypeError, ValueError):
                    continue
        return found

    def job_metrics(self, job_id: str, names: Iterable[str]) -> dict[str, str]:
        """Metrics of a job as a whole (``numRestarts``, ``lastCheckpointDuration``, ...), as texts."""
        query = urllib.parse.urlencode({"get": ",".join(names)})
        return {m["id"]: m["value"] for m in self.get(f"/jobs/{job_id}/metrics?{query}")}

    def exceptions(self, job_id: str) -> list[str]:
        """Failures of a job, newest first, each with its stack trace as one text."""
        history = self.get(f"/jobs/{job_id}/exceptions?maxExceptions=50").get("exceptionHistory", {})
        return [str(entry.get("stacktrace") or entry.get("exceptionName")) for entry in history.get("entries", [])]

    def checkpoints(self, job_id: str) -> Checkpoints:
        """Counts and the newest completed checkpoint and savepoint of a job."""
        data = self.get(f"/jobs/{job_id}/checkpoints")
        counts, latest = data["counts"], data["latest"]
        return Checkpoints(
            counts["completed"],
            counts["failed"],
            counts["in_progress"],
            counts["restored"],
            _checkpoint(latest.get("completed")),
            _checkpoint(latest.get("savepoint")),
        )

    def stop_with_savepoint(
        self, job_id: str, *, directory: str | None = None, drain: bool = False, timeout_s: float = 120.0
    ) -> str:
        """Stop a job with a savepoint and wait for it.

        Returns
        -------
        The savepoint's path.
        """
        body: dict[str, Any] = {"drain": drain}
        if directory is not None:
            body["targetDirectory"] = directory
        trigger = self.post(f"/jobs/{job_id}/stop", body)["request-id"]
        answer: dict[str, Any] = {}

        def done() -> bool:
            answer.update(self.get(f"/jobs/{job_id}/savepoints/{trigger}"))
            return bool(answer["status"]["id"] == "COMPLETED")

        if not wait_until(done, timeout_s):
            raise RestError(f"job {job_id}: the savepoint was not done after {timeout_s:.0f} s; see {self.url}")
        operation = answer["operation"]
        if "location" not in operation:
            cause = operation.get("failure-cause", {})
            text = str(cause.get("stack-trace") or cause.get("class") or operation).strip()
            reason = [line for line in text.splitlines() if line.startswith("Caused by:")] or text.splitlines()
            raise RestError(f"job {job_id}: the savepoint failed: {reason[-1].strip()}")
        return str(operation["location"])

    def cancel(self, job_id: str) -> None:
        """Ask a job to end without a savepoint; `wait_for_end` waits for it."""
        self._call("PATCH", f"/jobs/{job_id}?mode=cancel")

    def wait_for_end(self, job_id: str, timeout_s: float = 60.0) -> Job:
        """Wait until a job is finished, failed or cancelled."""
        if not wait_until(lambda: not self.job(job_id).is_live, timeout_s):
            raise RestError(f"job {job_id} is still {self.job(job_id).state} after {timeout_s:.0f} s; see {self.url}")
        return self.job(job_id)

    def get(self, path: str) -> Any:
        """The decoded answer to a GET."""
        return self._call("GET", path)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The decoded answer to a POST of a JSON object."""
        return self._call("POST", path, body)

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_s) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise RestError(f"Flink refused {method} {path}: {_reason(error)}", error.code) from error
        except (urllib.error.URLError, OSError) as error:
            reason = getattr(error, "reason", error)
            raise RestError(
                f"no Flink answers at {self.url} ({reason}); is it running? see `cutbank status`"
            ) from error
        return json.loads(text) if text.strip() else {}


def _reason(error: urllib.error.HTTPError) -> str:
    """The first useful line of an error answer."""
    text = error.read().decode("utf-8", "replace")
    try:
        errors = json.loads(text)["errors"]
        return next(line for line in reversed(errors) for line in str(line).splitlines() if line.strip())
    except (ValueError, KeyError, TypeError, StopIteration):
        return f"HTTP {error.code}"


def _checkpoint(data: Mapping[str, Any] | None) -> Checkpoint | None:
    if not data:
        return None
    return Checkpoint(
        id=data["id"],
        path=str(data.get("external_path") or ""),
        is_savepoint=bool(data["is_savepoint"]),
        state_bytes=int(data.get("state_size") or 0),
        duration_ms=int(data.get("end_to_end_duration") or 0),
        trigger_time_ms=int(data["trigger_timestamp"]),
    )
