"""What every fact is made from. The closed set of them is `domain.events`: import from there."""

import msgspec


class Fact(msgspec.Struct, frozen=True, tag_field="fact", omit_defaults=True):
    """The base of all facts; `tag` names each on the wire and in the journal."""
