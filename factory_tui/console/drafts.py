"""Words that were sent and not taken: refused, or lost with the link. They stand in their dialog when it opens again.

Knows commands; neither dialogs nor the link.
"""

from factory_tui.domain import commands as c

Worded = type[c.Answer] | type[c.Escalate] | type[c.Steer]


class Drafts:
    """By what they were for: a kind of command, and the run or escalation it is about."""

    def __init__(self) -> None:
        self._words: dict[tuple[type, str], str] = {}

    def of(self, kind: Worded, subject: str) -> str:
        """What was written and not taken; "" if nothing was."""
        return self._words.get((kind, subject), "")

    def sent(self, command: c.Command, *, taken: bool) -> None:
        """Forget the words of a command that was taken, keep those of one that was not."""
        match command:
            case c.Answer(escalation=subject, text=words):
                pass
            case c.Steer(run=subject, text=words) | c.Escalate(run=subject, text=words):
                pass
            case _:
                return
        self._words.pop((type(command), subject), None)
        if not taken and words:
            self._words[type(command), subject] = words
