"""Tables of parts: a name in a config → the constructor, imported when it is first used."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from functools import cached_property, partial
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, NamedTuple, TypeVar

from mmskin.errors import ConfigError

T = TypeVar("T")


class Place(NamedTuple):
    """Where a constructor lives.

    where: "module:name".
    fixed: leading arguments that the table gives, so that one class can have several names.
    """

    where: str
    fixed: tuple[str, ...] = ()

    @property
    def module(self) -> str:
        return self.where.partition(":")[0]

    @property
    def name(self) -> str:
        return self.where.partition(":")[2]


def origin_of(constructor: Callable[..., object]) -> str:
    """Where a constructor comes from, as "module:name"."""
    definition = constructor if hasattr(constructor, "__qualname__") else type(constructor)
    return f"{definition.__module__}:{definition.__qualname__}"


class Copies(Generic[T]):
    """A constructor that gives copies of one instance, whatever it is asked: each fit has a fresh one."""

    def __init__(self, instance: T) -> None:
        self.instance = instance

    def __call__(self, *context: object) -> T:
        return deepcopy(self.instance)


class Parts(Mapping[str, Callable[..., T]]):
    """Constructors by name. Nothing is imported to list the names, or to ask whether one exists.

    Beside those of mmskin there are those that were added at run time, and those that installed packages offer as
    entry points. The latter are looked up only if a name is of none of the others, or if all names are asked for; a
    name of mmskin's own cannot be taken by a package.

    Args:
        what: the word for a part in messages, such as "fusion".
        places: where mmskin's own live.
        group: of entry points; None if packages cannot offer such parts.
        prefix: what the names of its entry points begin with, where several tables share a group.
    """

    def __init__(
        self, what: str, places: Mapping[str, str | Place], *, group: str | None = None, prefix: str = ""
    ) -> None:
        self.what = what
        self.places = {name: Place(place) if isinstance(place, str) else place for name, place in places.items()}
        self._added: dict[str, Callable[..., T]] = {}
        self._group = group
        self._prefix = prefix

    def add(self, name: str, constructor: Callable[..., T]) -> None:
        """Add a part for the rest of this process; the same definition again, as in a notebook, replaces it.

        Raises:
            ConfigError: the name is taken.
        """
        is_same = name in self._added and origin_of(self._added[name]) == origin_of(constructor)
        if name in self and not is_same:
            raise ConfigError(f"there is a {self.what} {name!r} already; choose another name")
        self._added[name] = constructor

    @property
    def added(self) -> dict[str, Callable[..., T]]:
        """Those that were added at run time, by name."""
        return dict(self._added)

    def origin(self, name: str) -> str:
        """Where a part that is not mmskin's own comes from, as "module:name"; "" for mmskin's own."""
        if name in self._added:
            return origin_of(self._added[name])
        return "" if name in self.places else self._offered[name].value

    def source_digest(self, name: str) -> str:
        """Sixteen digits of the source of a part that is not mmskin's own; "" where it cannot be read."""
        try:
            source = inspect.getsource(self[name])
        except (OSError, TypeError):  # typed into a console, or an instance, which has a digest in its name
            return ""
        return hashlib.sha256(source.encode()).hexdigest()[:16]

    def __getitem__(self, name: str) -> Callable[..., T]:
        if name in self._added:
            return self._added[name]
        if name in self.places:
            place = self.places[name]
            constructor: Callable[..., T] = getattr(import_module(place.module), place.name)
            return partial(constructor, *place.fixed) if place.fixed else constructor
        return self._loaded(self._offered[name])

    def __contains__(self, name: object) -> bool:
        return name in self._added or name in self.places or name in self._offered

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self.places, *self._added, *self._offered]))

    def __len__(self) -> int:
        return len(list(iter(self)))

    @cached_property
    def _offered(self) -> dict[str, EntryPoint]:
        points = entry_points(group=self._group) if self._group else ()
        prefix = self._prefix
        return {point.name.removeprefix(prefix): point for point in points if point.name.startswith(prefix)}

    def _loaded(self, point: EntryPoint) -> Callable[..., T]:
        try:
            constructor: Callable[..., T] = point.load()
        except Exception as error:  # whatever a package does when it is imported
            package = f" of the package {point.dist.name}" if point.dist else ""
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise ConfigError(
                f"{self.what} {point.name!r}{package} cannot be imported ({point.value}): {reason}"
            ) from error
        return constructor
