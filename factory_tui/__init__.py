"""factory-tui: a terminal control room for dark factories."""

__version__ = "0.1.0"
