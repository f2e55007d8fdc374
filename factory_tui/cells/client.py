"""docker-py's client of an engine at an address, whose connections are made as all others are.

Left to itself, docker-py needs a library of its own for ssh, and lets REQUESTS_CA_BUNDLE and proxies, which are for the
web, decide whom to trust as an engine and how to get there.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import docker
import docker.errors
import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from factory_tui.cells.protocol import CellError, NoEngine
from factory_tui.cells.reach import Line, dial

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requests import PreparedRequest

    from factory_tui.cells.reach import Address


class Engine(docker.DockerClient):
    """A client that knows where its engine is, so that more streams and clients of it can be made."""

    def __init__(self, where: Address, version: str, timeout: float) -> None:
        self.where = where
        super().__init__(base_url="http+unix:///engine", version=version, timeout=timeout)  # type: ignore[arg-type]
        self.api.mount("http+docker://", _Adapter(where, timeout))

    def another(self, timeout: float) -> Engine:
        """Another client of the same engine, with a patience of its own in seconds."""
        return Engine(self.where, self.api.api_version, timeout)


@contextmanager
def answering() -> Iterator[None]:
    """What the engine, or the way to it, cannot do inside is told as CellError, with the remedy."""
    try:
        yield
    except requests.RequestException as error:
        raise NoEngine(f"the Docker engine does not answer: {error}. Remedy: see that it runs") from error
    except docker.errors.DockerException as error:
        raise CellError(
            f"the Docker engine cannot do it: {error}. Remedy: see what factory-tui doctor says of it, and the "
            "engine's own log"
        ) from error


class _Connection(HTTPConnection):
    def __init__(self, where: Address, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._where = where
        self._line: Line | None = None

    def connect(self) -> None:
        self._line = dial(self._where, self.timeout if isinstance(self.timeout, int | float) else None)
        self.sock = self._line.socket

    def getresponse(self) -> Any:
        line = self._line
        try:
            return super().getresponse()
        except ConnectionError as error:
            raise ConnectionResetError((line.end(1) if line else "") or str(error)) from error

    def close(self) -> None:
        super().close()
        if self._line is not None:
            self._line.end()
            self._line = None


class _Pool(HTTPConnectionPool):
    def __init__(self, where: Address, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout, maxsize=10)
        self._where, self._seconds = where, timeout

    def _new_conn(self) -> _Connection:
        return _Connection(self._where, self._seconds)


class _Adapter(HTTPAdapter):
    """One pool of connections, whatever host a URL names."""

    def __init__(self, where: Address, timeout: float) -> None:
        super().__init__()
        self._pool = _Pool(where, timeout)

    def get_connection_with_tls_context(self, *_: object, **__: object) -> _Pool:
        return self._pool

    def request_url(self, request: PreparedRequest, _: object) -> str:
        return request.path_url

    def close(self) -> None:
        super().close()
        self._pool.close()
