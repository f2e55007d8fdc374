"""Floor 0: what the factory is about, as data: events, state, the one reducer, identifiers, money.

Pure: nothing here reads a clock, a file or a socket, and nothing here imports another floor.
"""
