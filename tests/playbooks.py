"""Playbooks, as short as a test can say them; `twins.messages.playbook` tells what each part of one means."""


def playbook(seed: str, *rules: str) -> str:
    """The whole of it, in TOML."""
    return f'seed = "{seed}"\n' + "".join(rules)


def rule(name: str, last: str, *blocks: str, earlier: tuple[str, ...] = (), absent: tuple[str, ...] = ()) -> str:
    """What is answered to a conversation: its regexes are found in the last turn, before it, and nowhere."""
    seen = {"name": _quoted(name), "last": _quoted(last)}
    seen |= {key: f"[{', '.join(map(_quoted, found))}]" for key, found in (("earlier", earlier), ("absent", absent))}
    return "\n[[rule]]\n" + "".join(f"{key} = {value}\n" for key, value in seen.items()) + "".join(blocks)


def speaks(words: str) -> str:
    """A block of text."""
    return f'[[rule.block]]\ntype = "text"\ntext = {_quoted(words)}\n'


def calls(tool: str, **given: str) -> str:
    """A call of a tool."""
    told = ", ".join(f"{key} = {_quoted(value)}" for key, value in given.items())
    return f'[[rule.block]]\ntype = "tool_use"\nname = "{tool}"\ninput = {{ {told} }}\n'


def runs(command: str) -> str:
    """A command in the agent's shell."""
    return calls("bash", command=command)


def _quoted(text: str) -> str:
    return f"'''{text}'''"
