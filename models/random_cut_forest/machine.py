"""Memory seen from a kernel: numbers at addresses.

A forest is one block of bytes whose parts lie where `layout` says. The kernels read and write it through
these typed loads and stores; each compiles to one instruction. Addresses, node codes and counts are all
`uint64`: numba checks signed array indices for being negative, mixes signed and unsigned integers into
floats, and keeps seven words for an array; a plain unsigned address has none of that. Whoever calls a kernel
keeps the block referenced meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

# numba's types, which decide inside a kernel; to the type checker a kernel's numbers are plain ones
U: Any = np.uint64
F32: Any = np.float32
F64: Any = np.float64
I64: Any = np.int64

Address: TypeAlias = Any
Code: TypeAlias = Any
Count: TypeAlias = Any

_BYTE, _HALF, _WORD, _LONG = (ir.IntType(bits) for bits in (8, 16, 32, 64))


def _load(stored: ir.Type, result: types.Type, widen: bool = False) -> Any:
    @intrinsic
    def load(typing_context: Any, address: Any) -> Any:
        def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
            value = builder.load(builder.inttoptr(arguments[0], stored.as_pointer()))
            return builder.zext(value, _LONG) if widen else value

        return result(types.uint64), emit

    return load


def _store(stored: ir.Type, given: types.Type, narrow: bool = False) -> Any:
    @intrinsic
    def store(typing_context: Any, address: Any, value: Any) -> Any:
        def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
            word = builder.trunc(arguments[1], stored) if narrow else arguments[1]
            builder.store(word, builder.inttoptr(arguments[0], stored.as_pointer()))
            return context.get_dummy_value()

        return types.void(types.uint64, given), emit

    return store


load_u16 = _load(_HALF, types.uint64, widen=True)
load_u32 = _load(_WORD, types.uint64, widen=True)
load_u64 = _load(_LONG, types.uint64)
load_f32 = _load(ir.FloatType(), types.float32)
load_f64 = _load(ir.DoubleType(), types.float64)
store_u16 = _store(_HALF, types.uint64, narrow=True)
store_u32 = _store(_WORD, types.uint64, narrow=True)
store_u64 = _store(_LONG, types.uint64)
store_f32 = _store(ir.FloatType(), types.float32)
store_f64 = _store(ir.DoubleType(), types.float64)


def _cast(source: types.Type, target: types.Type, ir_type: ir.Type) -> Callable[..., Any]:
    @intrinsic
    def cast(typing_context: Any, value: Any) -> Any:
        def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
            return builder.bitcast(arguments[0], ir_type)

        return target(source), emit

    return cast


#: The 64 bits of a float64 as an integer, and back. Positive floats order like their bits.
bits_of = _cast(types.float64, types.uint64, _LONG)
real_of = _cast(types.uint64, types.float64, ir.DoubleType())


@intrinsic
def prefetch(typing_context: Any, address: Any) -> Any:
    """Ask for the cache line at the address; goes on at once, and any address is allowed."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        pointer = _BYTE.as_pointer()
        name = "llvm.prefetch.p0"
        kind = ir.FunctionType(ir.VoidType(), [pointer, _WORD, _WORD, _WORD])
        function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
        read, keep, data = (ir.Constant(_WORD, number) for number in (0, 3, 1))
        builder.call(function, [builder.inttoptr(arguments[0], pointer), read, keep, data])
        return context.get_dummy_value()

    return types.void(types.uint64), emit
