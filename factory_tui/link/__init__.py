"""Floor 4: the wire between engine and consoles: protocol, server, client.

It moves events, live frames and commands. It does not know what they mean, and never makes the engine wait.
"""
