"""Floor 2: what a run may spend, reach and do: budgets, prices, credentials, risk.

It decides and says why; it never acts. Nothing here opens a connection.
"""
