"""The fields of a dataclass in JSON, and back: each value is checked, for a file may be damaged."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from .payload import read_url

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# Later than this, a damaged file may say; to add anything to it could be more than a date can hold.
_LAST_YEAR: Final = 9000


def as_json(entry: DataclassInstance) -> dict[str, Any]:
    """Return what from_json reads, in types that JSON has, less what is as by default."""
    return {
        field.name: value.isoformat() if isinstance(value, datetime) else value
        for field in fields(entry)
        if (value := getattr(entry, field.name)) != field.default
    }


def from_json[T](kind: type[T], readers: Mapping[str, Callable[[Any], Any]], data: Mapping[str, Any]) -> T:
    """Read what as_json wrote. Raises KeyError, TypeError or ValueError where it did not."""
    return kind(**{name: readers[name](value) for name, value in data.items()})


def moment(value: str) -> datetime:
    """Read a moment that was written with its time zone. Raises TypeError or ValueError where it was not."""
    read = datetime.fromisoformat(value)
    if read.tzinfo is None or read.year > _LAST_YEAR:
        raise ValueError(value)
    return read


def link(value: object) -> str:
    """Read a link. Raises ValueError where nobody could follow it."""
    if (read := read_url(value)) is None:
        raise ValueError(value)
    return read


def has_type(*types: type) -> Callable[[Any], Any]:
    """Return a reader that lets only these types through."""

    def read(value: object) -> object:
        # For Python `true` is a number.
        if type(value) not in types:
            raise TypeError(value)
        return value

    return read
