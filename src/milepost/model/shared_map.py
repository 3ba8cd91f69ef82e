"""A frozen mapping whose versions share what did not change, so that what did is found without looking at the rest."""

from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from itertools import chain
from operator import is_
from typing import TypeVar

V = TypeVar("V")

_CHUNK = 64  # values: about the root of the number of apps, so that chunks and the values of one are few alike
_MISSING = object()


class SharedMap(Mapping[str, V]):
    """A mapping that never changes, in the order in which its values were given.

    Versions with the same keys share these, and each chunk of values of which none is another object. Versions are
    made by `replaced` and compared by `changed`.
    """

    __slots__ = ("_chunks", "_keys", "_positions")
    _keys: tuple[str, ...]
    _positions: dict[str, int]
    _chunks: tuple[tuple[V, ...], ...]

    def __init__(self, values: Mapping[str, V], before: Mapping[str, V] | None = None) -> None:
        """`values`, sharing what is the same with `before` where that has the same keys in the same order."""
        keys, chunks = tuple(values), _in_chunks(tuple(values.values()))
        if isinstance(before, SharedMap) and before._keys == keys:
            self._keys, self._positions = before._keys, before._positions
            self._chunks = tuple(map(_shared, before._chunks, chunks))
        else:
            self._keys, self._positions = keys, {key: position for position, key in enumerate(keys)}
            self._chunks = chunks

    def __getitem__(self, key: str) -> V:
        number, at = divmod(self._positions[key], _CHUNK)
        return self._chunks[number][at]

    def __contains__(self, key: object) -> bool:
        return key in self._positions

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"SharedMap({self._plain()})"

    def keys(self) -> KeysView[str]:
        return self._positions.keys()

    def values(self) -> ValuesView[V]:
        return self._plain().values()

    def items(self) -> ItemsView[str, V]:
        return self._plain().items()

    def _plain(self) -> dict[str, V]:
        """A dict of the same: to go through all of one is far faster than one look-up after the other here."""
        return dict(zip(self._keys, chain.from_iterable(self._chunks), strict=True))

    def _with_chunks(self, chunks: tuple[tuple[V, ...], ...]) -> "SharedMap[V]":
        after: SharedMap[V] = SharedMap.__new__(SharedMap)
        after._keys, after._positions, after._chunks = self._keys, self._positions, chunks
        return after


def replaced(before: Mapping[str, V], changes: Mapping[str, V]) -> SharedMap[V]:
    """`before` with the values of `changes`; keys that are new come last.

    A SharedMap gives itself where no value is another object, and costs what the changed chunks do where no key is
    new. Any other mapping is made one.
    """
    if not isinstance(before, SharedMap) or not changes.keys() <= before.keys():
        return SharedMap({**dict(before.items()), **changes})
    chunks = list(before._chunks)
    for key, value in changes.items():
        number, at = divmod(before._positions[key], _CHUNK)
        chunk = chunks[number]
        if chunk[at] is not value:
            chunks[number] = (*chunk[:at], value, *chunk[at + 1 :])
    return before if all(map(is_, chunks, before._chunks)) else before._with_chunks(tuple(chunks))


def changed(before: Mapping[str, V], after: Mapping[str, V]) -> Iterator[str]:
    """The keys of `after`, in order, that are new or whose value is another object than in `before`.

    Two versions that share their keys are compared by chunks; any other two mappings value by value. Keys that are
    gone are not among them: `changed(after, before)` tells those too.
    """
    if isinstance(before, SharedMap) and isinstance(after, SharedMap) and before._keys is after._keys:
        for number, (old, new) in enumerate(zip(before._chunks, after._chunks, strict=True)):
            if old is not new:
                keys = after._keys[number * _CHUNK : (number + 1) * _CHUNK]
                yield from (key for key, one, other in zip(keys, old, new, strict=True) if one is not other)
    else:
        known: dict[str, object] = dict(before.items())
        yield from (key for key, value in after.items() if known.get(key, _MISSING) is not value)


def _in_chunks(values: tuple[V, ...]) -> tuple[tuple[V, ...], ...]:
    return tuple(values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))


def _shared(old: tuple[V, ...], new: tuple[V, ...]) -> tuple[V, ...]:
    """`old` where it holds the very same objects."""
    return old if all(map(is_, old, new)) else new
