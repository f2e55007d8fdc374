"""Floor 5: the Textual console: a pure view of the state, and keys that become commands.

It imports link, domain and config only; whatever it shows is a fold over events.
"""
