"""Kills workers and TaskManagers of a running job at random moments."""

from __future__ import annotations

import os
import random
import signal
import threading

from jobs.stack import Stack
from jobs.stack.kafka_read import reader
from jobs.stack.processes import wait_until

WORKER_KILLS, TASKMANAGER_KILLS = 5, 2
#: A worker that dies while its first bundle is on the way is noticed after three minutes only: docs/guide/operating.md.
RECOVERY_S = 240


class Chaos:
    """Kills at random moments, and notes what the job had to make up for; `output` is a topic it writes steadily."""

    def __init__(self, stack: Stack, job_id: str, output: str, seed: int) -> None:
        self.stack, self.job_id, self.output, self.random = stack, job_id, output, random.Random(seed)
        self.replayed: list[int] = []
        self.snapshots_before: list[int] = []

    @property
    def replayed_behind_snapshots(self) -> list[int]:
        """What was replayed after kills that fell on a log behind a snapshot."""
        return [n for n, before in zip(self.replayed, self.snapshots_before, strict=True) if n > 0 and before > 0]

    def kill_all(self) -> None:
        """Five workers and two TaskManagers, in random order."""
        kills = ["worker"] * WORKER_KILLS + ["taskmanager"] * TASKMANAGER_KILLS
        self.random.shuffle(kills)
        self.wait_until_scoring()
        for what in kills:
            self.kill(what)

    def metric(self, name: str) -> int:
        """Sum over the job's model operators of a metric of theirs; -1 while there is none."""
        found = -1
        for vertex in self.stack.rest.vertices(self.job_id):
            names = [n for n in self.stack.rest.metric_names(self.job_id, vertex.id) if n.endswith(f".{name}")]
            for value in self.stack.rest.metrics(self.job_id, vertex.id, names).values() if names else ():
                found = max(found, 0) + int(value)
        return found

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

    def kill(self, what: str) -> None:
        """Kill at a random moment of a job that scores, and wait until it does again."""
        threading.Event().wait(self.random.uniform(0.0, 3.0))  # the random moment
        self.snapshots_before.append(sum(self.snapshots_before[-1:]) + max(self.metric("snapshots"), 0))
        workers = self.stack.python_workers()
        if what == "worker":
            assert workers, "no Python worker to kill"
            os.kill(self.random.choice(workers), signal.SIGKILL)
        else:
            self.stack.kill_taskmanager()
            self.stack.restart_taskmanager()
        assert wait_until(lambda: set(self.stack.python_workers()).isdisjoint(workers), 60), "no new worker"
        self.wait_until_scoring()
        # the REST interface shows metrics that may be ten seconds old; where nothing was replayed it stays 0
        wait_until(lambda: self.metric("replayed_records") > 0, 15, every_s=1.0)
        self.replayed.append(self.metric("replayed_records"))
