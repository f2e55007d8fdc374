"""Floor 3: handing over: snapshots as commits, ship targets, provenance.

Git runs here by plumbing only, never inside a tree that an agent wrote.
"""
