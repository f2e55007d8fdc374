"""Floor 1: the append-only store of events, its keyed hash chain and its queries.

The only folder that writes SQL. It stores and returns events; it does not know what they mean.
"""
