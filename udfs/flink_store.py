"""A bucket's bytes in Flink's keyed state."""

from __future__ import annotations

from collections.abc import Iterable

from pyflink.common import Types
from pyflink.datastream import RuntimeContext
from pyflink.datastream.state import ListStateDescriptor, MapStateDescriptor, ValueStateDescriptor


class FlinkStore:
    """`udfs.bucket.BucketStore` over the keyed state of the bucket that Flink has made current."""

    def __init__(self, ctx: RuntimeContext) -> None:
        data = Types.PRIMITIVE_ARRAY(Types.BYTE())
        self._header = ctx.get_state(ValueStateDescriptor("header", data))
        self._log = ctx.get_list_state(ListStateDescriptor("log", data))
        self._snapshots = ctx.get_map_state(MapStateDescriptor("snapshots", Types.STRING(), data))

    def read_header(self) -> bytes | None:
        data = self._header.value()
        return None if data is None else bytes(data)

    def write_header(self, data: bytes) -> None:
        self._header.update(data)

    def read_log(self) -> Iterable[bytes]:
        return [bytes(data) for data in self._log.get()]

    def add_log(self, data: bytes) -> None:
        self._log.add(data)

    def clear_log(self) -> None:
        self._log.clear()

    def read_snapshot(self, key: str) -> bytes | None:
        data = self._snapshots.get(key)
        return None if data is None else bytes(data)

    def write_snapshot(self, key: str, data: bytes) -> None:
        self._snapshots.put(key, data)

    def remove_snapshot(self, key: str) -> None:
        # removing an absent key after a clear raises KeyError in Flink 2.3
        if self._snapshots.contains(key):
            self._snapshots.remove(key)

    def snapshot_keys(self) -> list[str]:
        return list(self._snapshots.keys())
