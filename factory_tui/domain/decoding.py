"""Types that any thread may decode into: msgspec builds what it knows of one at its first use, and crashes the process
where another thread uses that type, or one inside it, meanwhile.
"""

from threading import Lock
from typing import TypeVar

import msgspec

T = TypeVar("T")

_building = Lock()
_built = set[object]()


def prepared(kind: type[T]) -> type[T]:
    """The same type, once msgspec knows all of it: for whatever is not decoded by a decoder that a module made."""
    with _building:
        if kind not in _built:
            msgspec.json.Decoder(kind)
            _built.add(kind)
    return kind
