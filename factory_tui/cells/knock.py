"""Does a Docker engine answer at an address, and if not, what is wrong and what mends it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

from factory_tui.cells.protocol import NoEngine, NoPermission
from factory_tui.cells.reach import dial

if TYPE_CHECKING:
    from factory_tui.cells.reach import Address

SECONDS: Final = 3
FAR_SECONDS: Final = 15
_PING: Final = b"GET /_ping HTTP/1.0\r\nHost: docker\r\nUser-Agent: factory-tui\r\n\r\n"
_START: Final = "start it (sudo systemctl start docker), or set DOCKER_HOST"


def knock(where: Address) -> str:
    """Ask the engine for a sign of life; the version of its API. Blocks for FAR_SECONDS at most.

    Raises NoEngine or NoPermission with the remedy.
    """
    try:
        head = _ping(where)
    except PermissionError as error:
        raise NoPermission(
            "this user may not talk to the Docker engine. Remedy: sudo usermod -aG docker $USER, then log in again"
        ) from error
    except OSError as error:
        raise NoEngine(_why(where, error)) from error
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if " 200" not in status or "api-version" not in headers:
        raise NoEngine(_no_engine(where, status, head))
    return headers["api-version"]


def _ping(where: Address) -> bytes:
    """What the engine answers, or what stands in its place. Raises OSError."""
    line = dial(where, SECONDS if where.scheme == "unix" else FAR_SECONDS)
    said = b""
    try:
        line.socket.sendall(_PING)
        while b"\r\n\r\n" not in said and len(said) < 1 << 16 and (more := line.socket.recv(1 << 16)):
            said += more
    except ConnectionError as error:
        raise type(error)(line.end(1) or str(error.strerror)) from error
    finally:
        why = line.end(0 if said else 1)
    if not said:
        raise ConnectionError(why or "it closed the connection without a word")
    return said


def _why(where: Address, error: OSError) -> str:
    """The message for an engine that could not be asked."""
    what = f"no Docker engine answers at {where} ({where.source})"
    if where.scheme == "unix":
        return f"no Docker engine answers. Remedy: {_START}"
    if where.scheme == "ssh":
        if isinstance(error, FileNotFoundError):
            return f"{what}: there is no ssh here. Remedy: install OpenSSH's client"
        reason = f"nothing in {FAR_SECONDS} s" if isinstance(error, TimeoutError) else _words(error)
        return f"{what}: {reason}. Remedy: see that `{where.by_hand()}` answers, without asking anything"
    if isinstance(error, ssl.SSLCertVerificationError):
        vouches = where.tls.ca if where.tls and where.tls.ca else "no authority of this system"
        return (
            f"{what} that can be trusted: {error.verify_message}. Remedy: its certificate must be for that name and by "
            f"an authority in {vouches}; see DOCKER_CERT_PATH"
        )
    if isinstance(error, ssl.SSLError) or (where.tls and isinstance(error, ConnectionResetError)):
        # An engine that does not know our certificate says so and hangs up; which of the two comes first is chance.
        cause = getattr(error, "reason", "") or error
        return (
            f"{what}: TLS failed ({cause}). Remedy: with TLS on both sides, the engine must know the "
            "authority of cert.pem in DOCKER_CERT_PATH; an engine without TLS wants DOCKER_TLS_VERIFY unset"
        )
    reason = f"nothing in {FAR_SECONDS} s" if isinstance(error, TimeoutError) else _words(error)
    return f"{what}: {reason}. Remedy: see that dockerd listens there and that no firewall is between"


def _no_engine(where: Address, status: str, head: bytes) -> str:
    if b"HTTPS server" in head or head.startswith(b"\x15\x03"):
        return (
            f"no Docker engine answers at {where} ({where.source}) without TLS. Remedy: set DOCKER_TLS_VERIFY=1 and "
            "DOCKER_CERT_PATH to the folder with ca.pem, cert.pem and key.pem"
        )
    return f"what answers at {where} ({where.source}) is no Docker engine: {status[:80]!r}. Remedy: set DOCKER_HOST"


def _words(error: OSError) -> str:
    return (error.strerror or str(error) or type(error).__name__).rstrip(".")
