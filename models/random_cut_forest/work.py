"""Scratch memory of a worker: one address, whose first words say where its parts are.

It holds the paths of four descents, level by level; what is noted about them; the run of records on its way through
the trees; and where their results go. Kernels write it afresh in each call, except for the constants that `prepare`
puts there once: the sentinels above the root and the levels' weights.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.kernel_cache import inline
from models.random_cut_forest.layout import FOUR, ONE, TWO, Layout
from models.random_cut_forest.machine import Address, Code, Count, U, load_u16, load_u64

#: u64 [4]: the number of inner nodes each descent passed
DEPTHS = U(0)
# addresses of constants and buffers
#: f32 [4 + levels]: 0 four times and then 1 / (level + 1)
WEIGHTS = U(32)
#: f32 [levels]: the gaps met by an insertion
GAPS = U(40)
#: f32 [run][lanes]: the run's records, offsets subtracted
RECORDS = U(48)
#: f64 [run] and f64 [run + 1]: the sampler's G and C of the run
GROWN, REACHED = U(56), U(64)
#: f64 [columns][2]: the parts of one score, and f64 [2][dimensions]: a box
PARTIAL, SHADOW = U(72), U(80)
# what `learning` notes about the run and the call
#: address of the run's row numbers, i64 [run]
ROWS = U(88)
#: addresses of the sums over the trees: i64 [n], and i64 [n][columns][2] or 0 if no parts are wanted
SCORES, PARTS = U(96), U(104)
#: numbers of columns and of dimensions
COLUMNS, DIMENSIONS = U(112), U(120)
#: what the kernels would else be given in every call: the decay rate f64, the records of an epoch, the layout
RATE, EPOCH, LAYOUT = U(128), U(136), U(144)
#: the number of records before the first score
WARM = U(216)
#: u16 [4 + levels][4]: nodes on the four paths; four rows of sentinels, then level k in row k + 4
NODES = U(256)

_ALIGNED = 64


def _levels(layout: Layout) -> int:
    return int(layout.sample) + 16


def _sizes(layout: Layout) -> dict[Count, int]:
    columns, dimensions, run = int(layout.columns), int(layout.columns * layout.shingle), int(layout.run)
    return {
        NODES: 8 * _levels(layout),
        WEIGHTS: 4 * _levels(layout),
        GAPS: 4 * _levels(layout),
        GROWN: 8 * run,
        REACHED: 8 * (run + 1),
        PARTIAL: 16 * columns,
        SHADOW: 16 * dimensions,
        RECORDS: 4 * int(layout.lanes) * run,
    }


def work_bytes(layout: Layout) -> int:
    """Bytes of a worker's scratch memory."""
    return int(NODES) + sum(size + _ALIGNED for size in _sizes(layout).values())


def prepare(work: npt.NDArray[np.uint8], layout: Layout, rate: float, epoch: int, warm_up: int) -> None:
    """Write the addresses and the constants. The memory must not move afterwards."""
    words = work[: int(NODES)].view(np.uint64)
    places, end = {}, int(NODES)
    for word, size in _sizes(layout).items():
        places[word] = end
        end = (end + size + _ALIGNED - 1) // _ALIGNED * _ALIGNED
    for word, place in places.items():
        if word != NODES:
            words[int(word) // 8] = work.ctypes.data + place
    words[int(COLUMNS) // 8] = layout.columns
    words[int(DIMENSIONS) // 8] = layout.columns * layout.shingle
    words[int(RATE) // 8] = np.float64(rate).view(np.uint64)
    words[int(EPOCH) // 8] = epoch
    words[int(WARM) // 8] = warm_up
    words[int(LAYOUT) // 8 : int(LAYOUT) // 8 + len(layout)] = layout
    work[int(NODES) : int(NODES) + 32] = np.full(16, int(layout.sample), np.uint16).view(np.uint8)
    weights = np.zeros(_levels(layout), np.float32)
    weights[4:] = 1.0 / np.arange(1, _levels(layout) - 3)
    work[places[WEIGHTS] : places[WEIGHTS] + weights.nbytes] = weights.view(np.uint8)


@inline
def field(work: Address, word: Count) -> Count:
    """A word of the scratch memory: mostly the address of a part."""
    return load_u64(work + word)


@inline
def layout_in(work: Address) -> Layout:
    """The layout of the forests worked on."""
    at = work + LAYOUT
    return Layout(
        load_u64(at), load_u64(at + U(8)), load_u64(at + U(16)), load_u64(at + U(24)), load_u64(at + U(32)),
        load_u64(at + U(40)), load_u64(at + U(48)), load_u64(at + U(56)), load_u64(at + U(64)),
    )  # fmt: skip


@inline
def node_on(work: Address, level: Count, descent: Count) -> Code:
    """The node a descent met at a level."""
    return load_u16(work + NODES + ((((level + FOUR) << TWO) + descent) << ONE))


@inline
def depth_of(work: Address, descent: Count) -> Count:
    """Number of inner nodes a descent passed."""
    return load_u64(work + DEPTHS + (descent << U(3)))
