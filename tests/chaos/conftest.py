"""The same home of its own as the engine's tests have."""

from tests.engine.conftest import home

__all__ = ["home"]
