"""Bounding boxes and points as vectors: the arithmetic in which a forest spends its time.

A point is `lanes` float32 numbers, a box is the low corner followed by the high corner. Dimensions are padded
to 1, 2, 4 or a multiple of 8 lanes; padding is 0 in points and boxes, so it makes no gap and no range. Up to
8 lanes the number is known when the kernel is compiled, more run as a loop over groups of 8. The *type* of
the argument `width` says which: a tuple of 1, 2, 4 or 8 zeros, or the number of groups as an integer.

Order of sums. A sum over lanes adds the groups lane by lane, then halves: upper half plus lower half, until
one number is left. It is written as a fixed tree of shuffles, never as a reduction of free order, and without
fused products, so the range of a box has the same bits however the box came about. Batches, threads and
snapshots rely on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

FLOAT, INT, LONG = ir.FloatType(), ir.IntType(32), ir.IntType(64)
ADDRESS = types.uint64
Values = list[Any]

#: Widths that kernels are compiled for ahead of time: 1, 2, 4 and 8 lanes, and (by 16) any multiple of 8.
LANES = (1, 2, 4, 8, 16)


def width_of(lanes: int) -> Any:
    """The `width` argument of the kernels for a number of lanes."""
    return (0.0,) * lanes if lanes <= 8 else lanes // 8


def padded(dimensions: int) -> int:
    """Lanes of a point: 1, 2, 4 or a multiple of 8."""
    return next((lanes for lanes in (1, 2, 4) if dimensions <= lanes), (dimensions + 7) // 8 * 8)


class _Groups:
    """Emits code for each group of lanes: once for narrow points, as a loop for wide ones."""

    def __init__(self, builder: ir.IRBuilder, kind: Any, value: Any) -> None:
        self.builder = builder
        self.count = None if isinstance(kind, types.BaseTuple) else value
        self.lanes = kind.count if isinstance(kind, types.BaseTuple) else 8
        self.type = FLOAT if self.lanes == 1 else ir.VectorType(FLOAT, self.lanes)
        self.zero = ir.Constant(FLOAT, 0.0) if self.lanes == 1 else ir.Constant(self.type, None)
        bytes_of_group = ir.Constant(LONG, 4 * self.lanes)
        #: distance from the low to the high corner of a box
        self.corner = bytes_of_group if self.count is None else builder.mul(self.count, bytes_of_group)

    def at(self, address: Any, offset: Any) -> Any:
        """The group of lanes at an address."""
        place = self.builder.add(address, offset)
        return self.builder.load(self.builder.inttoptr(place, self.type.as_pointer()), align=4)

    def high(self, box: Any, offset: Any) -> Any:
        """The group of lanes of a box's high corner."""
        return self.at(self.builder.add(box, self.corner), offset)

    def put(self, value: Any, address: Any, offset: Any) -> None:
        """Store a group of lanes."""
        place = self.builder.add(address, offset)
        self.builder.store(value, self.builder.inttoptr(place, self.type.as_pointer()), align=4)

    def fold(self, starts: Values, step: Callable[[Any, Values], Values]) -> Values:
        """Run `step(offset, values)` for each group, the values going from one to the next."""
        builder = self.builder
        if self.count is None:
            return step(ir.Constant(LONG, 0), starts)
        before = builder.block
        loop, after = builder.append_basic_block("groups"), builder.append_basic_block("after_groups")
        builder.branch(loop)
        builder.position_at_end(loop)
        offset = builder.phi(LONG)
        offset.add_incoming(ir.Constant(LONG, 0), before)
        carried = [builder.phi(value.type) for value in starts]
        for phi, value in zip(carried, starts, strict=True):
            phi.add_incoming(value, before)
        results = step(offset, list(carried))
        following = builder.add(offset, ir.Constant(LONG, 4 * self.lanes))
        offset.add_incoming(following, builder.block)
        for phi, value in zip(carried, results, strict=True):
            phi.add_incoming(value, builder.block)
        builder.cbranch(builder.icmp_unsigned("<", following, self.corner), loop, after)
        builder.position_at_end(after)
        return results

    def larger(self, a: Any, b: Any) -> Any:
        return self.builder.select(self.builder.fcmp_ordered(">", a, b), a, b)

    def smaller(self, a: Any, b: Any) -> Any:
        return self.builder.select(self.builder.fcmp_ordered("<", a, b), a, b)

    def gap(self, low: Any, high: Any, x: Any) -> Any:
        """How far x lies outside [low, high], lane by lane."""
        subtract = self.builder.fsub
        return self.larger(self.larger(subtract(low, x), subtract(x, high)), self.zero)

    def total(self, value: Any) -> Any:
        """Sum over the lanes of a group by halves."""
        lanes = self.lanes
        while lanes > 1:
            lanes //= 2
            lower, upper = (
                self.builder.shuffle_vector(
                    value, value, ir.Constant(ir.VectorType(INT, lanes), list(range(first, first + lanes)))
                )
                for first in (0, lanes)
            )
            value = self.builder.fadd(lower, upper)
        return value if self.lanes == 1 else self.builder.extract_element(value, ir.Constant(INT, 0))

    def any(self, flags: Any) -> Any:
        """Is a flag set in some lane."""
        if self.lanes == 1:
            return flags
        word = self.builder.bitcast(flags, ir.IntType(self.lanes))
        return self.builder.icmp_unsigned("!=", word, ir.Constant(word.type, 0))

    def none(self) -> Any:
        """Flags of which none is set."""
        return (
            ir.Constant(ir.IntType(1), 0)
            if self.lanes == 1
            else ir.Constant(ir.VectorType(ir.IntType(1), self.lanes), None)
        )


def _operation(result: types.Type, addresses: int, emit: Callable[..., Any]) -> Any:
    """An intrinsic of `addresses` addresses and the width; `emit(groups, *addresses)` gives the result."""

    def typed(width: Any) -> Any:
        def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[Any]) -> Any:
            groups = _Groups(builder, width, arguments[-1])
            value = emit(groups, *arguments[:-1])
            return context.make_tuple(builder, signature.return_type, value) if isinstance(value, list) else value

        return result(*([ADDRESS] * addresses), width), generate

    # numba reads the number of parameters from the function's signature
    if addresses == 2:
        return intrinsic(lambda context, a, b, width: typed(width))
    if addresses == 3:
        return intrinsic(lambda context, a, b, c, width: typed(width))
    return intrinsic(lambda context, a, b, c, d, e, width: typed(width))


def _outside(groups: _Groups, box: Any, x: Any) -> Any:
    def step(offset: Any, sums: Values) -> Values:
        gap = groups.gap(groups.at(box, offset), groups.high(box, offset), groups.at(x, offset))
        return [groups.builder.fadd(sums[0], gap)]

    return groups.total(groups.fold([groups.zero], step)[0])


def _distance(groups: _Groups, p: Any, q: Any) -> Any:
    def step(offset: Any, sums: Values) -> Values:
        a, b = groups.at(p, offset), groups.at(q, offset)
        gap = groups.larger(groups.builder.fsub(a, b), groups.builder.fsub(b, a))
        return [groups.builder.fadd(sums[0], gap)]

    return groups.total(groups.fold([groups.zero], step)[0])


def _grow(groups: _Groups, target: Any, box: Any, x: Any) -> Any:
    def step(offset: Any, sums: Values) -> Values:
        point = groups.at(x, offset)
        low = groups.smaller(groups.at(box, offset), point)
        high = groups.larger(groups.high(box, offset), point)
        groups.put(low, target, offset)
        groups.put(high, groups.builder.add(target, groups.corner), offset)
        return [groups.builder.fadd(sums[0], groups.builder.fsub(high, low))]

    return groups.total(groups.fold([groups.zero], step)[0])


def _span(groups: _Groups, target: Any, p: Any, q: Any) -> Any:
    def step(offset: Any, sums: Values) -> Values:
        a, b = groups.at(p, offset), groups.at(q, offset)
        low, high = groups.smaller(a, b), groups.larger(a, b)
        groups.put(low, target, offset)
        groups.put(high, groups.builder.add(target, groups.corner), offset)
        return [groups.builder.fadd(sums[0], groups.builder.fsub(high, low))]

    return groups.total(groups.fold([groups.zero], step)[0])


def _unite(groups: _Groups, target: Any, low_a: Any, high_a: Any, low_b: Any, high_b: Any) -> Any:
    builder = groups.builder

    def step(offset: Any, values: Values) -> Values:
        low = groups.smaller(groups.at(low_a, offset), groups.at(low_b, offset))
        high = groups.larger(groups.at(high_a, offset), groups.at(high_b, offset))
        differs = builder.or_(
            builder.fcmp_unordered("!=", low, groups.at(target, offset)),
            builder.fcmp_unordered("!=", high, groups.high(target, offset)),
        )
        groups.put(low, target, offset)
        groups.put(high, builder.add(target, groups.corner), offset)
        return [builder.fadd(values[0], builder.fsub(high, low)), builder.or_(values[1], differs)]

    ranges, changed = groups.fold([groups.zero, groups.none()], step)
    return [groups.total(ranges), groups.any(changed)]


def _touches(groups: _Groups, box: Any, x: Any) -> Any:
    builder = groups.builder

    def step(offset: Any, flags: Values) -> Values:
        low, high, point = groups.at(box, offset), groups.high(box, offset), groups.at(x, offset)
        face = builder.or_(builder.fcmp_ordered("<=", point, low), builder.fcmp_ordered(">=", point, high))
        return [builder.or_(flags[0], builder.and_(face, builder.fcmp_ordered("!=", low, high)))]

    return groups.any(groups.fold([groups.none()], step)[0])


_RANGE_AND_FLAG = types.Tuple((types.float32, types.boolean))

#: outside(box, x, width): the sum over the dimensions of how far x lies outside the box
outside = _operation(types.float32, 2, _outside)
#: distance(p, q, width): the sum of |p - q|; 0 only for equal points
distance = _operation(types.float32, 2, _distance)
#: grow(target, box, x, width): target = box with x; the sum of its ranges
grow = _operation(types.float32, 3, _grow)
#: span(target, p, q, width): target = the box of two points; the sum of its ranges
span = _operation(types.float32, 3, _span)
#: unite(target, low a, high a, low b, high b, width): target = union of two boxes, a point being a box whose
#: corners are the same; the sum of its ranges, and whether target changed
unite = _operation(_RANGE_AND_FLAG, 5, _unite)
#: touches(box, x, width): does x lie on a face of the box, in a dimension where the box is not flat
touches = _operation(types.boolean, 2, _touches)


@intrinsic
def lanes_of(typing_context: Any, width: Any) -> Any:
    """Number of lanes of a point; a constant for narrow ones."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        if isinstance(width, types.BaseTuple):
            return ir.Constant(LONG, width.count)
        return builder.shl(arguments[0], ir.Constant(LONG, 3))

    return types.uint64(width), emit


@intrinsic
def outside_group(typing_context: Any, low: Any, high: Any, x: Any) -> Any:
    """Sum over 8 dimensions of how far x lies outside [low, high], all three given by address."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        groups = _Groups(builder, types.UniTuple(types.float64, 8), None)
        start = ir.Constant(LONG, 0)
        low_lanes, high_lanes, point = (groups.at(address, start) for address in arguments)
        return groups.total(groups.gap(low_lanes, high_lanes, point))

    return types.float32(ADDRESS, ADDRESS, ADDRESS), emit


@intrinsic
def four_levels(
    typing_context: Any, boxes: Any, ranges: Any, x: Any, n0: Any, n1: Any, n2: Any, n3: Any, weights: Any,
    value: Any, width: Any,
) -> Any:  # fmt: skip
    """Four levels of the score's recursion, from the lowest node n3 up to n0: value = p * weight + (1 - p) *
    value.

    `boxes`: address of the boxes; `ranges`: address of the range in row 0 of the node headers; `weights`:
    address of the four weights 1 / (depth + 1), that of n0 first. Four at a time because their gaps, ranges
    and the division 1 / (range + gap) then fill vectors. Returns the new value and the gaps at n0 and n3.
    """

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        boxes, ranges, x, *nodes, weights, value, count = arguments
        groups = _Groups(builder, width, count)
        box_bytes = builder.shl(groups.corner, ir.Constant(LONG, 1))
        corners = [builder.add(boxes, builder.mul(node, box_bytes)) for node in nodes]

        def step(offset: Any, sums: Values) -> Values:
            point = groups.at(x, offset)
            return [
                builder.fadd(total, groups.gap(groups.at(box, offset), groups.high(box, offset), point))
                for total, box in zip(sums, corners, strict=True)
            ]

        gaps = _transposed_totals(groups, groups.fold([groups.zero] * 4, step))
        spans = _packed(
            builder,
            [
                builder.load(
                    builder.inttoptr(builder.add(ranges, builder.shl(node, ir.Constant(LONG, 4))), FLOAT.as_pointer())
                )
                for node in nodes
            ],
        )
        four = ir.VectorType(FLOAT, 4)
        share = builder.fdiv(ir.Constant(four, [1.0] * 4), builder.fadd(spans, gaps))
        keep = builder.fmul(spans, share)
        weight = builder.load(builder.inttoptr(weights, four.as_pointer()), align=4)
        add = builder.fmul(builder.fmul(gaps, share), weight)

        def lane(vector: Any, k: int) -> Any:
            return builder.extract_element(vector, ir.Constant(INT, k))

        for k in (3, 2, 1, 0):
            value = builder.fadd(builder.fmul(value, lane(keep, k)), lane(add, k))
        return context.make_tuple(builder, signature.return_type, [value, lane(gaps, 0), lane(gaps, 3)])

    result = types.UniTuple(types.float32, 3)
    return result(*([ADDRESS] * 8), types.float32, width), emit


def _packed(builder: ir.IRBuilder, values: Values) -> Any:
    vector = ir.Constant(ir.VectorType(FLOAT, 4), ir.Undefined)
    for k, value in enumerate(values):
        vector = builder.insert_element(vector, value, ir.Constant(INT, k))
    return vector


def _transposed_totals(groups: _Groups, sums: Values) -> Any:
    """The four totals of four groups of lanes as one vector; for 8 lanes by pairs, in one fixed order."""
    builder = groups.builder
    if groups.lanes < 8:
        return _packed(builder, [groups.total(value) for value in sums])

    def picked(a: Any, b: Any, lanes: list[int]) -> Any:
        return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(INT, len(lanes)), lanes))

    def pairs(a: Any, b: Any) -> Any:
        return builder.fadd(picked(a, b, [0, 2, 8, 10, 4, 6, 12, 14]), picked(a, b, [1, 3, 9, 11, 5, 7, 13, 15]))

    folded = pairs(pairs(sums[0], sums[1]), pairs(sums[2], sums[3]))
    return builder.fadd(picked(folded, folded, [0, 1, 2, 3]), picked(folded, folded, [4, 5, 6, 7]))
