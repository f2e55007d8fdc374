"""What gaming outputs call their tests are none of ours."""

from tests.engine.conftest import home

__all__ = ["home"]
collect_ignore_glob = ["trees/*"]
