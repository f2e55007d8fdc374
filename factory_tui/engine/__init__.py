"""Floor 5: the factory: supervises runs, walks their loops, keeps the journal.

The engine owns the workspace. It never loads Textual.
"""
