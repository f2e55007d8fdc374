"""Every kind of cell passes the one suite."""

from __future__ import annotations

import pytest

from tests.conformance.cells import CellSuite


@pytest.mark.asyncio(loop_scope="class")
class TestProcessCell(CellSuite):
    kind = "process"
    apart = False


@pytest.mark.asyncio(loop_scope="class")
class TestBubblewrapCell(CellSuite):
    kind = "bubble"


@pytest.mark.asyncio(loop_scope="class")
class TestBubblewrapCellOfAPlainUser(CellSuite):
    kind = "namespace"
    apart = False


@pytest.mark.docker
@pytest.mark.asyncio(loop_scope="class")
class TestDockerCell(CellSuite):
    kind = "docker"


@pytest.mark.docker
@pytest.mark.asyncio(loop_scope="class")
class TestDockerCellOverTls(CellSuite):
    kind = "tls"


@pytest.mark.docker
@pytest.mark.asyncio(loop_scope="class")
class TestDockerCellOverSsh(CellSuite):
    kind = "ssh"


@pytest.mark.docker
@pytest.mark.asyncio(loop_scope="class")
class TestWarmCell(CellSuite):
    kind = "warm"
