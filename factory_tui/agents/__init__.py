"""Floor 3: who writes the code: the agent protocol and the Messages API agent.

An agent talks to the model door and to one cell. It cannot issue a command to the factory.
"""
