"""What a metadata-only viewer may see of an event: everything but the fields typed `Text`. Pure."""

from functools import cache
from typing import TypeVar

import msgspec

from factory_tui.domain.events import Event

_Record = TypeVar("_Record", bound=msgspec.Struct)


@cache
def text_fields(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """Names of the fields that hold text rather than metadata."""
    found = []
    for field in msgspec.structs.fields(kind):
        meta = getattr(field.type, "__metadata__", ())
        if any(isinstance(item, msgspec.Meta) and (item.extra or {}).get("class") == "text" for item in meta):
            found.append(field.name)
    return tuple(found)


def without_text(event: Event) -> Event:
    """The event as a metadata-only viewer may see it: every text emptied, in a command it carries too."""
    return msgspec.structs.replace(event, fact=blank(event.fact))


def blank(record: _Record) -> _Record:
    """A record whose texts are empty, and those of the records in it."""
    changes = {name: type(getattr(record, name))() for name in text_fields(type(record))}
    for name in record.__struct_fields__:
        inner = getattr(record, name)
        if isinstance(inner, msgspec.Struct):
            changes[name] = blank(inner)
    return msgspec.structs.replace(record, **changes)
