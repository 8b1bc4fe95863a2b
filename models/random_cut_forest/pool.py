"""Many random cut forests with the same parameters, one slot a key.

A pool's `process` is one compiled call, whatever the mix of keys: the rows are put in order by slot, and each
forest takes its rows in the order given. Every forest has the same seed, so a key's results are those of a
forest that saw only that key's rows.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from models.arguments import integers_of_rows, whole_number
from models.errors import InputError, ModelError, ParameterError, SnapshotError
from models.random_cut_forest import kernels, layout, snapshot, work
from models.random_cut_forest.attribution import PART
from models.random_cut_forest.boxes import width_of
from models.random_cut_forest.layout import OFFSETS
from models.random_cut_forest.parameters import Parameters
from models.random_cut_forest.records import LARGEST
from models.random_cut_forest.sampler import EPOCH
from models.random_cut_forest.scoring import UNIT

_NO_PARTS = np.empty((0, 1, 2), np.int64)
_ALIGNMENT = 64
#: With fewer rows in a call threads cost more than they save.
_ROWS_FOR_THREADS = 32


def _aligned(size: int) -> npt.NDArray[np.uint8]:
    """Zeroed bytes that begin at a cache line. Large ones come from the system and go back to it when
    dropped."""
    raw = np.zeros(size + _ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % _ALIGNMENT
    return raw[start : start + size]


class RandomCutForestPool:
    """Random Cut Forests for many keys: score each row, then learn it.

    The score is the expected inverse depth of the point in the forest, times log2(samples + 1): around 0.7 to
    1 is ordinary, ``log2(sample_size + 1)`` is the largest possible. It is 0.0 for the first `sample_size`
    records of a key.

    Parameters
    ----------
    dimensions, trees, sample_size, time_decay, shingle_size, seed, missing
        As for `RandomCutForest`; the same for every slot.
    explain : bool
        Also return the parts of each score, computed before the row is learned.
    threads : int
        Threads the trees of a call are spread over; results do not depend on it.
    warm_up : int, optional
        Records of a key before its first score, 1..sample_size; `sample_size` unless given. Earlier scores are
        of a sample that is not full, and on the scale of its size. It belongs to the reading, not to the forest:
        snapshots do not depend on it.

    Notes
    -----
    Memory of a slot is constant, `slot_bytes`: ``trees * (64 + 16 (2S + 2) + 12 lanes (S + 1) + 10 S)`` and a few
    cache lines, with S samples and lanes = columns x shingle padded to 1, 2, 4 or a multiple of 8. Closing a slot
    gives it back. Time of a row: about ``trees`` x 40 to 200 ns. A call with a value that cannot be taken raises
    `InputError` and changes nothing. A pool is for one thread at a time.

    Source: Guha, Mishra, Roy, Schrijvers, "Robust Random Cut Forest Based Anomaly Detection on Streams", ICML
    2016; the score follows aws/random-cut-forest-by-aws.
    """

    def __init__(
        self,
        dimensions: int,
        trees: int = 100,
        sample_size: int = 256,
        time_decay: int = 100_000,
        shingle_size: int = 1,
        seed: int = 0,
        explain: bool = False,
        missing: str = "reject",
        threads: int = 1,
        warm_up: int | None = None,
    ) -> None:
        self.parameters = Parameters(dimensions, trees, sample_size, time_decay, shingle_size, seed, missing)
        if isinstance(threads, bool) or not isinstance(threads, int) or not 1 <= threads <= 256:
            raise ParameterError(f"threads must be in 1..256, got {threads!r}")
        warm_up = self.parameters.sample_size if warm_up is None else warm_up
        self.warm_up = whole_number("warm_up", warm_up, 1, self.parameters.sample_size, high_is="sample_size")
        self.explain = explain
        self.threads = min(threads, self.parameters.trees)
        self.layout = self.parameters.layout
        self.slot_bytes = layout.block_bytes(self.layout)
        self._width: Any = width_of(int(self.layout.lanes))
        self._columns = self.parameters.dimensions
        self._filling = self.parameters.missing == "impute"
        self._plain = not (self._filling or explain)  # nothing is asked for but scores
        words = np.random.SeedSequence(self.parameters.seed).generate_state(self.parameters.trees, np.uint64)
        self._random = words | np.uint64(1)
        self._blocks: list[npt.NDArray[np.uint8] | None] = []
        self._addresses = np.zeros(0, np.uint64)
        self._free: list[int] = []
        self._scratch = [_aligned(work.work_bytes(self.layout)) for _ in range(self.threads)]
        self._works = [np.uint64(scratch.ctypes.data) for scratch in self._scratch]
        for scratch in self._scratch:
            work.prepare(scratch, self.layout, self.parameters.rate, EPOCH * self.parameters.time_decay, warm_up)
        self._workers: ThreadPoolExecutor | None = None
        self._counting = np.arange(16)
        kernels.make_ready(int(self.layout.lanes))

    # ---------------------------------------------------------------- slots
    def open(self) -> int:
        """A fresh forest; its slot."""
        return self._place(self._fresh_block())

    def close(self, slot: int) -> None:
        """Forget the forest of a slot and give its memory back; the slot may be handed out again."""
        self._block(slot)
        self._blocks[slot] = None
        self._addresses[slot] = 0
        self._free.append(slot)

    def dump(self, slot: int) -> bytes:
        """The whole state of a forest: equal state, equal bytes. Some 0.3 to 1 MB for 100 trees of 256
        samples."""
        return snapshot.encode(self.parameters, self._block(slot))

    def load(self, data: bytes) -> int:
        """A slot that continues bit for bit where `dump` left off; SnapshotError if the bytes are not such a
        forest."""
        facts, sections = snapshot.read(data)
        for name in ("dimensions", "trees", "sample_size", "time_decay", "shingle_size", "seed", "missing"):
            theirs, ours = getattr(facts.parameters, name), getattr(self.parameters, name)
            if theirs != ours:
                raise SnapshotError(f"the snapshot is of a forest with {name} {theirs!r}, this one has {ours!r}")
        block = self._fresh_block()
        snapshot.decode(facts, sections, block)
        return self._place(block)

    @property
    def nbytes(self) -> int:
        """Bytes held by the open forests."""
        return (len(self._blocks) - len(self._free)) * self.slot_bytes

    def _fresh_block(self) -> npt.NDArray[np.uint8]:
        """A block without records: no offsets yet, empty trees, sentinels in place."""
        block = _aligned(self.slot_bytes)
        layout.prepare(block, self.layout, self._random)
        return block

    def _place(self, block: npt.NDArray[np.uint8]) -> int:
        if self._free:
            slot = self._free.pop()
            self._blocks[slot] = block
        else:
            slot = len(self._blocks)
            self._blocks.append(block)
            if slot >= self._addresses.size:
                self._addresses = np.concatenate([self._addresses, np.zeros(max(8, slot), np.uint64)])
        self._addresses[slot] = block.ctypes.data
        return slot

    def _block(self, slot: int) -> npt.NDArray[np.uint8]:
        block = self._blocks[slot] if 0 <= slot < len(self._blocks) else None
        if block is None:
            raise ModelError(f"slot {slot} is not open")
        return block

    # ---------------------------------------------------------------- rows
    def process(
        self,
        slots: npt.NDArray[np.int32],
        times_ms: npt.NDArray[np.int64],
        columns: npt.NDArray[np.float64],
    ) -> dict[str, npt.NDArray[Any]]:
        """Score each row with the forest of its slot, then learn it; rows of one slot in the order given.

        Shapes: ``slots`` integers (n,), ``times_ms`` (n,), ``columns`` float64 (n, d).

        Returns ``{"score": float64 (n,)}``, with `explain` also ``{"attribution": float64 (n, d, 2)}``: above
        and below, summing to the score. Times are not used. Raises `InputError` naming row and column of a
        value that is not finite (NaN is allowed with ``missing='impute'``) or further than 1e30 from 0 or
        from the column's first value.
        """
        values = self._checked(columns, self.parameters.dimensions)
        slots = integers_of_rows("slots", slots, values.shape[0])
        if values.shape[0] == 0:
            return self._answer(np.zeros(0, np.int64), np.zeros((0, self.parameters.dimensions, 2), np.int64))
        order = np.argsort(slots, kind="stable")
        ordered = slots[order]
        starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1], [True])))
        used = ordered[starts[:-1]]
        for slot in (used[0], used[-1]):
            self._block(int(slot))
        blocks = self._addresses[used]
        if not blocks.all():
            self._block(int(used[int(np.flatnonzero(blocks == 0)[0])]))
        return self._answer(*self._run(blocks, starts, order, values))

    def process_slot(self, slot: int, columns: npt.NDArray[np.float64]) -> dict[str, npt.NDArray[Any]]:
        """`process` for rows of one slot, without the work of sorting them."""
        values = self._checked(columns, self._columns)
        self._block(slot)
        n = values.shape[0]
        if self._plain and (self.threads == 1 or n < _ROWS_FOR_THREADS):
            score = np.empty(n)
            refused = kernels.process_run(self._works[0], self._addresses[slot], values, score, self._width)
            if refused >= 0:
                raise self._refusal(values, *divmod(refused, self._columns))
            return {"score": score}
        if self._counting.size < n:
            self._counting = np.arange(2 * n)
        return self._answer(*self._run(self._addresses[slot : slot + 1], np.array([0, n]), self._counting[:n], values))

    def _checked(self, points: Any, width: int) -> npt.NDArray[np.float64]:
        values = np.ascontiguousarray(points, np.float64)
        if not values.flags.carray:  # read-only or unaligned: the kernels are compiled for one kind of array
            values = values.copy()
        if values.ndim != 2 or values.shape[1] != width:
            raise InputError(f"rows must have the shape (n, {width}), got {values.shape}")
        return values

    def _run(
        self,
        blocks: npt.NDArray[np.uint64],
        starts: npt.NDArray[np.int64],
        order: npt.NDArray[np.int64],
        values: npt.NDArray[np.float64],
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Sums of scores and parts over the trees, for rows in the order of `order`."""
        (n, dimensions), trees = values.shape, self.parameters.trees
        filling = self._filling and bool(np.isnan(values).any())
        if filling:
            values = values.copy()  # NaNs are replaced in it
        scores = np.zeros(n, np.int64)
        parts = np.zeros((n, dimensions, 2), np.int64) if self.explain else _NO_PARTS
        rows = (blocks, starts, order, values)
        if self.threads == 1 or filling or n < _ROWS_FOR_THREADS:
            refused = kernels.process_rows(self._works[0], *rows, 0, trees, filling, scores, parts, self._width)
        else:
            refused = kernels.admit_rows(self._works[0], *rows)
        if refused >= 0:
            raise self._refusal(values, *divmod(refused, dimensions))
        if self.threads > 1 and not filling and n >= _ROWS_FOR_THREADS:
            self._share(rows, scores, parts)
        return scores, parts

    def _share(self, rows: Any, scores: npt.NDArray[np.int64], parts: npt.NDArray[np.int64]) -> None:
        """Admitted rows through all trees, in several threads; sums of integers have no order."""
        if self._workers is None:
            self._workers = ThreadPoolExecutor(self.threads, "random-cut-forest")
        trees = self.parameters.trees

        def share(number: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
            first, end = (k * trees // self.threads for k in (number, number + 1))
            mine = np.zeros_like(scores), np.zeros_like(parts)
            kernels.process_rows(self._works[number], *rows, first, end, False, *mine, self._width)
            return mine

        for its_scores, its_parts in self._workers.map(share, range(self.threads)):
            scores += its_scores
            parts += its_parts
        kernels.remember_rows(self._works[0], *rows)

    def _refusal(self, values: npt.NDArray[np.float64], row: int, column: int) -> InputError:
        value = float(values[row, column])
        if np.isnan(value):
            return InputError(
                f"row {row}, column {column}: NaN is not a number to score; leave the row out, or ask for "
                "missing='impute'"
            )
        if np.isinf(value):
            return InputError(f"row {row}, column {column}: {value} is not finite; leave the row out")
        return InputError(
            f"row {row}, column {column}: {value!r} is more than {LARGEST:g} from 0 or from the column's first value; "
            "leave the row out or scale the column"
        )

    def _answer(self, scores: npt.NDArray[np.int64], parts: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[Any]]:
        score = scores / (UNIT * self.parameters.trees)
        if not self.explain:
            return {"score": score}
        return {"score": score, "attribution": self._scaled(score, parts)}

    def _scaled(self, score: npt.NDArray[np.float64], parts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Parts as shares of the score: they add up to it."""
        shares = parts / (PART * self.parameters.trees)
        total = shares.sum(axis=(1, 2))
        factor = np.divide(score, total, out=np.zeros_like(score), where=total > 0)
        return np.asarray(shares * factor[:, None, None])

    # ---------------------------------------------------------------- reading, nothing learned
    def _vectors(self, slot: int, vectors: Any) -> npt.NDArray[np.float64]:
        values = self._checked(vectors, self.parameters.vector)
        self._block(slot)
        known = np.isfinite(values) & (np.abs(values) <= LARGEST)
        if self._filling:
            known |= np.isnan(values)
        if not known.all():
            row, dimension = (int(k) for k in np.argwhere(~known)[0])
            raise self._refusal(values, row, dimension)
        return self.impute(slot, values) if self._filling else values

    def _read(self, slot: int, vectors: Any, explain: bool) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        values = self._vectors(slot, vectors)
        n, dimensions = values.shape[0], self.parameters.dimensions
        scores = np.zeros(n, np.int64)
        parts = np.zeros((n, dimensions, 2), np.int64) if explain and n else _NO_PARTS
        kernels.read_rows(self._works[0], self._addresses[slot], values, scores, parts, self._width)
        return scores / (UNIT * self.parameters.trees), parts

    def score(self, slot: int, vectors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Scores (n,) of full vectors (n, d * shingle_size), oldest record first, without learning."""
        return self._read(slot, vectors, False)[0]

    def attribution(self, slot: int, vectors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Parts (n, d, 2) of the scores of full vectors: above and below, by column, without learning."""
        score, parts = self._read(slot, vectors, True)
        return self._scaled(score, parts.reshape(-1, self.parameters.dimensions, 2)[: score.size])

    def impute(self, slot: int, vectors: npt.NDArray[np.float64], quantile: float = 0.5) -> npt.NDArray[np.float64]:
        """A copy of full vectors (n, d * shingle_size) with NaNs replaced by what the forest expects there.

        `quantile` 0.5 is the median of the nearer half of the trees' proposals; 0.1 and 0.9 make a band. A
        forest that has learned nothing fills the column's first value, or 0.
        """
        values = self._checked(vectors, self.parameters.vector).copy()
        block = self._block(slot)
        if not kernels.fill_vectors(self._works[0], self._addresses[slot], values, quantile, self._width):
            offsets = block[int(OFFSETS) : int(OFFSETS) + 8 * self.parameters.dimensions].view(np.float64)
            first = np.tile(np.nan_to_num(offsets), self.parameters.shingle_size)
            values = np.where(np.isnan(values), first, values)
        return values
