"""Kills workers and TaskManagers of running jobs at random moments."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Sequence

from jobs.stack import Stack
from jobs.stack.kafka_read import reader
from jobs.stack.processes import wait_until

WORKER_KILLS, TASKMANAGER_KILLS = 5, 2
#: A worker that dies while its first bundle is on the way is noticed after three minutes only: docs/guide/operating.md.
RECOVERY_S = 240


class Watched:
    """A job, and what it had to make up for after kills; `output` is a topic it writes steadily."""

    def __init__(self, stack: Stack, job_id: str, output: str) -> None:
        self.stack, self.job_id, self.output = stack, job_id, output
        self.replays: list[Counter[str]] = []
        self.snapshots_before: Counter[str] = Counter()
        #: Model operators that replayed a log which lay behind a snapshot.
        self.replayed_behind_snapshots: set[str] = set()

    def metrics(self, name: str) -> Counter[str]:
        """A metric of theirs by model operator, summed over its tasks; empty while there is none."""
        found: Counter[str] = Counter()
        for vertex in self.stack.rest.vertices(self.job_id):
            names = [n for n in self.stack.rest.metric_names(self.job_id, vertex.id) if n.endswith(f".{name}")]
            for full, value in self.stack.rest.metrics(self.job_id, vertex.id, names).items() if names else ():
                found[full.removesuffix(f".{name}")] += int(value)
        return found

    def metric(self, name: str) -> int:
        """Sum over the job's model operators of a metric of theirs; -1 while there is none."""
        found = self.metrics(name)
        return found.total() if found else -1

    def running_since(self) -> int:
        """When it came to run the last time; it does anew after each failure."""
        return int(self.stack.rest.get(f"/jobs/{self.job_id}")["timestamps"]["RUNNING"])

    def wait_until_scoring(self) -> None:
        """The job runs, has completed a checkpoint since its last start, and results have come out after that.

        Not by the metric of scored rows: it is that of the start before, until it is fetched again.
        """
        assert wait_until(lambda: self.stack.rest.job(self.job_id).state == "RUNNING", RECOVERY_S)
        done = self.stack.rest.checkpoints(self.job_id).completed
        assert wait_until(lambda: self.stack.rest.checkpoints(self.job_id).completed > done, RECOVERY_S)
        with reader(self.stack.settings, self.output) as records:
            before = records.bounds()[1]
            assert wait_until(lambda: records.bounds()[1] != before, RECOVERY_S), "nothing is scored after a kill"

    def recover(self, snapshots: Counter[str]) -> None:
        """Wait until the job scores again, and note what it replayed; `snapshots` were written before it was hit."""
        self.snapshots_before += snapshots
        self.wait_until_scoring()
        if not self._seen():
            # the REST interface shows metrics that may be ten seconds old; where nothing was replayed it stays 0
            wait_until(self._note, 15, every_s=1.0)
            self.replays.append(+self.metrics("replayed_records"))

    def _seen(self) -> bool:
        """Whether every model that wrote snapshots has replayed a log behind one."""
        return self.replayed_behind_snapshots >= self.snapshots_before.keys() > set()

    def _note(self) -> bool:
        """Look once more."""
        before = self.replays[-1] if self.replays else Counter[str]()
        # what stands there unchanged may still be that of the start before
        fresh = {operator for operator, n in (+self.metrics("replayed_records")).items() if n != before[operator]}
        self.replayed_behind_snapshots |= fresh & self.snapshots_before.keys()
        return self._seen()


class Chaos:
    """Kills at random moments, each of which hits all `jobs`: they share one TaskManager, and all go on in parallel."""

    def __init__(self, stack: Stack, jobs: Sequence[Watched], seed: int) -> None:
        self.stack, self.jobs, self.random = stack, tuple(jobs), random.Random(seed)

    def kill_all(self) -> None:
        """Five times the workers and twice the TaskManager, in random order."""
        order = ["worker"] * WORKER_KILLS + ["taskmanager"] * TASKMANAGER_KILLS
        self.random.shuffle(order)
        for job in self.jobs:
            job.wait_until_scoring()
        for what in order:
            self.kill(what)

    def kill(self, what: str) -> None:
        """Kill at a random moment of jobs that score, and wait until all of them do again.

        Whose a worker is cannot be told, so all are killed at once: one of each job, where its parallelism is 1.
        """
        threading.Event().wait(self.random.uniform(0.0, 3.0))  # the random moment
        before = {job: (job.running_since(), +job.metrics("snapshots")) for job in self.jobs}
        workers = self.stack.python_workers()
        if what == "worker":
            assert len(workers) >= len(self.jobs), f"{len(workers)} Python workers for {len(self.jobs)} jobs"
            self.random.shuffle(workers)
            for worker in workers:
                with contextlib.suppress(ProcessLookupError):  # its job began to restart because of the one before
                    os.kill(worker, signal.SIGKILL)
        else:
            self.stack.kill_taskmanager()
            self.stack.restart_taskmanager()
        for job, (since, snapshots) in before.items():
            assert wait_until(lambda j=job, s=since: j.running_since() != s, RECOVERY_S), (
                f"{what} killed, and no restart"
            )
            job.recover(snapshots)
