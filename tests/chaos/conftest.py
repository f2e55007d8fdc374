"""The same home of its own as the engine's tests have, and a Docker engine that may be killed."""

from tests.engine.conftest import daemon, home

__all__ = ["daemon", "home"]
