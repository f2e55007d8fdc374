"""Floor 2: the one door to a model: reserve, call, retry, settle, redact.

Nobody else opens a connection to a model. It does not know what the answer is for.
"""
