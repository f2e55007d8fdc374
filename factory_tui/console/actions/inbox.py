"""Actions of the inbox alone. A digit that names no choice there goes to its screen, as everywhere."""

from factory_tui.console.action import Action
from factory_tui.console.triaging import MOST

INBOX: tuple[Action, ...] = (
    Action(
        "inbox.answer",
        ("a",),
        "answer",
        ("inbox",),
        0,
        "Answer the question under the cursor, by a choice, in words, or both; let a held run try again.",
        "operator",
        bar=2,
        palette="inbox: Answer it, or allow it once",
    ),
    Action(
        "inbox.always",
        ("A",),
        "always",
        ("inbox",),
        1,
        "Of a review: the scenarios judge the seed as it is now, in every run of it. Of a run held for its budget: "
        "raise its cap.",
        "operator",
        bar=3,
        palette="inbox: Allow it from now on",
    ),
    Action(
        "inbox.refuse",
        ("x",),
        "reject",
        ("inbox",),
        0,
        "Give the answer that refuses, where there is one. What ends a run, and several at once, ask first.",
        "operator",
        bar=4,
        palette="inbox: Reject it",
    ),
    Action(
        "inbox.snooze",
        ("u",),
        "snooze",
        ("inbox",),
        0,
        "Have it call nobody for a while; what is snoozed calls again. Whose it is next, and when, stays.",
        "operator",
        bar=5,
        palette="inbox: Snooze it, or wake it",
    ),
    Action(
        "inbox.expire",
        ("E",),
        "expire",
        ("inbox",),
        0,
        "Say when policy refuses it, if nobody has answered by then; only where one of its choices refuses.",
        "operator",
        bar=6,
        spare=3,
        palette="inbox: Say when it expires",
    ),
    Action(
        "inbox.undo",
        ("U",),
        "undo",
        ("inbox",),
        0,
        "Take back what was done last: a snooze, an expiry; an answer stands, and its run pauses. Else your last "
        "command about the run.",
        "operator",
        palette="inbox: Undo what was done last",
    ),
    Action(
        "inbox.mark",
        ("space",),
        "mark",
        ("inbox",),
        0,
        "Mark the line, for the next key to be about all that are marked.",
        bar=6,
        spare=2,
        palette="inbox: Mark it",
    ),
    Action(
        "inbox.mark-all",
        ("M",),
        "mark all",
        ("inbox",),
        0,
        "Mark all that is open and fits the filter, or nothing.",
        palette="inbox: Mark all that is shown",
    ),
    *(
        Action(
            f"inbox.choice-{number}",
            (str(number),),
            f"choice {number}",
            ("inbox",),
            0,
            f"Answer by choice {number}, at all that are marked. What ends a run, and several at once, ask first.",
            palette=f"inbox: Answer by choice {number}",
            over=True,
        )
        for number in range(1, MOST + 1)
    ),
)
