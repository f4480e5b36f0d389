"""Things that are made at first use and kept, whichever thread asks first. `functools.cached_property` has no lock."""

from collections.abc import Callable, Hashable
from threading import Lock, RLock
from typing import Any, Generic, Self, TypeVar, overload

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


class made_once(Generic[T]):  # noqa: N801 - read as a decorator, like property
    """An attribute that is made when it is first asked for, and by one thread alone; then it is a plain attribute.

    Attributes that need each other in a circle would wait for each other; others never do.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self._name = make.__name__
        self._lock_name = f"lock of {self._name}"  # no name that an attribute could have
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: object | None, owner: type) -> Self | T:
        """Return the value, made if it is not there; the class itself gives this descriptor."""
        if instance is None:
            return self
        values = instance.__dict__  # found there from now on, before this descriptor
        with values.setdefault(self._lock_name, RLock()):  # each object has its own; this step is atomic
            if self._name not in values:
                values[self._name] = self._make(instance)
        value: T = values[self._name]
        return value


class MadeByKey(Generic[K, T]):
    """Values made once for each key. Making one holds up those who ask for the same key, and nobody else."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._locks: dict[K, Lock] = {}
        self._values: dict[K, T] = {}

    def get(self, key: K, make: Callable[[], T]) -> T:
        """Return the value of a key, made by the first who asks; if making fails, the next one tries again."""
        if key in self._values:
            return self._values[key]
        with self._lock:
            lock = self._locks.setdefault(key, Lock())
        with lock:
            if key not in self._values:
                self._values[key] = make()
            return self._values[key]

    def put(self, key: K, value: T) -> None:
        """Give a key this value."""
        self._values[key] = value

    def keys(self) -> set[K]:
        """Return the keys that have a value."""
        return set(self._values)
