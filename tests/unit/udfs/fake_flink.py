"""What a process function sees of Flink, in dictionaries; with the faults of Flink 2.3's state that are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


class _Value:
    def __init__(self) -> None:
        self.data: Any = None

    def value(self) -> Any:
        return self.data

    def update(self, data: Any) -> None:
        self.data = data


class _List:
    def __init__(self) -> None:
        self.data: list[Any] = []

    def get(self) -> Iterator[Any]:
        return iter(list(self.data))

    def add(self, data: Any) -> None:
        self.data.append(data)

    def clear(self) -> None:
        self.data.clear()


class _Map:
    def __init__(self) -> None:
        self.data: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        return self.data.get(key)

    def put(self, key: str, value: Any) -> None:
        assert isinstance(key, str) and value is not None
        self.data[key] = value

    def contains(self, key: str) -> bool:
        return self.data.get(key) is not None

    def remove(self, key: str) -> None:
        del self.data[key]  # of an absent key it raises KeyError there too

    def keys(self) -> Iterator[str]:
        return iter(self.data)

    def put_all(self, items: Any) -> None:
        raise AssertionError("put_all of Flink 2.3 splits keys of two letters")


class _Keyed:
    """A state of the current key."""

    def __init__(self, context: FakeContext, make: Callable[[], Any]) -> None:
        self._context, self._make = context, make
        self._by_key: dict[Any, Any] = {}

    def __getattr__(self, name: str) -> Any:
        current = self._by_key.setdefault(self._context.current_key, self._make())
        return getattr(current, name)


class _Counter:
    def __init__(self) -> None:
        self.count = 0

    def inc(self, n: int = 1) -> None:
        assert type(n) is int, "a counter of Flink takes int"
        self.count += n


class FakeContext:
    """A runtime context whose state survives `PackHost` objects; `current_key` says which bucket is current."""

    def __init__(self) -> None:
        self.current_key: Any = None
        self.states: dict[str, _Keyed] = {}
        self.counters: dict[str, _Counter] = {}
        self.gauges: dict[str, Callable[[], Any]] = {}

    def _state(self, descriptor: Any, make: Callable[[], Any]) -> _Keyed:
        return self.states.setdefault(descriptor.name, _Keyed(self, make))

    def get_state(self, descriptor: Any) -> Any:
        return self._state(descriptor, _Value)

    def get_list_state(self, descriptor: Any) -> Any:
        return self._state(descriptor, _List)

    def get_map_state(self, descriptor: Any) -> Any:
        return self._state(descriptor, _Map)

    def get_metrics_group(self) -> FakeContext:
        return self

    def counter(self, name: str) -> _Counter:
        return self.counters.setdefault(name, _Counter())

    def gauge(self, name: str, value: Callable[[], Any]) -> None:
        self.gauges[name] = value

    def metrics(self) -> dict[str, int]:
        """All metrics as they would be reported; gauges of Flink's Python must be whole numbers."""
        values = {name: gauge() for name, gauge in self.gauges.items()}
        assert all(type(value) is int for value in values.values()), values
        return {**values, **{name: counter.count for name, counter in self.counters.items()}}

    def get_current_key(self) -> Any:
        return self.current_key
