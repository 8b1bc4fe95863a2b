"""Statements that have no place in a pipeline, each with the sentence that says why and what to do."""

from __future__ import annotations

from typing import Final

ONE_JOB: Final = "a pipeline is one job"

_NOTHING_RECEIVES: Final = "write INSERT INTO table before it, or CREATE VIEW name AS"
_BATCH: Final = f"is a batch statement, and {ONE_JOB} over streams"
_NO_PLACE: Final = "has no place in a pipeline: remove it"

#: By first word.
REFUSED: Final = {
    "SELECT": f"nothing receives the rows of this query: {_NOTHING_RECEIVES}",
    "WITH": f"nothing receives the rows of this query: {_NOTHING_RECEIVES}",
    "VALUES": "nothing receives these rows: write INSERT INTO table before them",
    "TABLE": "nothing receives the rows of this table: write INSERT INTO table SELECT * FROM it",
    "FROM": "a query begins with SELECT, and INSERT INTO table or CREATE VIEW name AS stands before it",
    "EXPLAIN": "EXPLAIN has no place in a pipeline: run `cutbank explain FILE`",
    "SHOW": f"SHOW {_NO_PLACE}",
    "DESCRIBE": f"DESCRIBE {_NO_PLACE}",
    "DESC": f"DESC {_NO_PLACE}",
    "HELP": f"HELP {_NO_PLACE}",
    "QUIT": f"QUIT {_NO_PLACE}",
    "EXIT": f"EXIT {_NO_PLACE}",
    "RESET": "RESET has no use here, every run begins with fresh settings: remove it",
    "ADD": "ADD JAR is not supported: list jars in flink-conf/jars.xml, which puts them on the cluster too",
    "REMOVE": "REMOVE JAR is not supported: list jars in flink-conf/jars.xml",
    "EXECUTE": "EXECUTE is followed by STATEMENT SET BEGIN; write a single INSERT INTO without it",
    "BEGIN": "BEGIN is followed by STATEMENT SET",
    "END": "END closes nothing: EXECUTE STATEMENT SET BEGIN is missing",
    "UPDATE": f"UPDATE {_BATCH}: write the changed rows with INSERT INTO",
    "DELETE": f"DELETE {_BATCH}: write INSERT INTO",
    "TRUNCATE": f"TRUNCATE {_BATCH}: remove it",
    "ANALYZE": f"ANALYZE {_BATCH}: remove it",
    "CALL": f"CALL would run a job of its own, and {ONE_JOB}: run it elsewhere",
    "COMPILE": f"COMPILE PLAN is not supported, and {ONE_JOB}, planned as a whole: keep the INSERT INTO only",
    "STOP": "STOP JOB is not supported: run `cutbank stop NAME`",
}
