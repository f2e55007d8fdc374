"""Every kind of cell passes the one suite."""

from __future__ import annotations

import pytest

from tests.conformance.commands import Commands
from tests.conformance.services import Services
from tests.conformance.trees import Files, Trees


@pytest.mark.asyncio(loop_scope="class")
class TestProcessCell(Commands, Services, Files, Trees):
    kind = "process"


@pytest.mark.asyncio(loop_scope="class")
class TestBubblewrapCell(Commands, Services, Files, Trees):
    kind = "bubble"


@pytest.mark.asyncio(loop_scope="class")
class TestBubblewrapCellOfAPlainUser(Commands, Services, Files, Trees):
    kind = "namespace"


@pytest.mark.docker
@pytest.mark.asyncio(loop_scope="class")
class TestDockerCell(Commands, Services, Files, Trees):
    kind = "docker"


@pytest.mark.docker
@pytest.mark.asyncio(loop_scope="class")
class TestDockerCellOverTls(Commands, Services, Files, Trees):
    kind = "tls"


@pytest.mark.docker
@pytest.mark.asyncio(loop_scope="class")
class TestDockerCellOverSsh(Commands, Services, Files, Trees):
    kind = "ssh"


@pytest.mark.docker
@pytest.mark.asyncio(loop_scope="class")
class TestWarmCell(Commands, Services, Files, Trees):
    kind = "warm"
