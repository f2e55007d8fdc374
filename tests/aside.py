"""A second Docker engine beside the machine's own: what it must be told to leave that one's network as it is."""

import secrets
import socket
import subprocess


class Bridge:
    """A bridge of the engine's own. Told to have none (`--bridge=none`), it takes the machine's `docker0` away."""

    def __init__(self, became: list[str]) -> None:
        self._became = became
        self.name = f"far{secrets.token_hex(4)}"
        self._before: set[str] = set()
        self._ip("add", self.name, "type", "bridge")

    def words(self) -> list[str]:
        """For a `dockerd` that starts next."""
        self._before = _lasting()
        return [f"--bridge={self.name}", "--iptables=false", "--ip-forward=false", "--ip-masq=false"]

    def check(self) -> None:
        """Once the engine answers: fails when an interface went that was there before."""
        gone = self._before - _lasting()
        assert not gone, f"gone from this machine: {gone}"

    def remove(self) -> None:
        """Once the engine has ended."""
        self._ip("del", self.name)

    def _ip(self, *words: str) -> None:
        subprocess.run([*self._became, "ip", "link", *words], check=True, capture_output=True)


def _lasting() -> set[str]:
    """The interfaces that do not come and go with containers and tests."""
    return {name for _, name in socket.if_nameindex() if not name.startswith(("veth", "far"))}
