"""The fence's seccomp profile as a program for the kernel, for cells that no Docker engine fences.

libseccomp compiles it, as it does for Docker's runtime; nothing else here needs that library, so it is loaded late.
"""

from __future__ import annotations

import ctypes
import json
import os
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from factory_tui.cells import fence

if TYPE_CHECKING:
    from collections.abc import Mapping

_ALLOW: Final = 0x7FFF0000
_ERRNO: Final = 0x00050000
_EPERM: Final = 1
_COMPARE: Final = {f"SCMP_CMP_{name}": n for n, name in enumerate(("NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"), 1)}


class Uncompiled(Exception):  # noqa: N818
    """The profile cannot be compiled here; the message says why."""


class _Argument(ctypes.Structure):
    """`struct scmp_arg_cmp` of seccomp.h."""

    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_uint), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


@cache
def program() -> bytes:
    """The profile for this machine's processor, as the kernel and bubblewrap take it. Raises Uncompiled."""
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError as error:
        raise Uncompiled("libseccomp is not installed (apt-get install libseccomp2)") from error
    library.seccomp_init.restype = ctypes.c_void_p
    profile = json.loads(fence.profile())
    context = ctypes.c_void_p(library.seccomp_init(_action(profile["defaultAction"], profile)))
    try:
        for rule in profile["syscalls"]:
            for name in rule["names"]:
                _add(library, context, rule, name)
        return _exported(library, context)
    finally:
        library.seccomp_release(context)


def _add(library: ctypes.CDLL, context: ctypes.c_void_p, rule: Mapping[str, Any], name: str) -> None:
    number = library.seccomp_syscall_resolve_name(name.encode())
    if number < 0:
        return  # this processor or this library does not know it: the default holds
    compared = [_argument(one) for one in rule.get("args") or ()]
    array = (_Argument * len(compared))(*compared)
    action = ctypes.c_uint32(_action(rule["action"], rule))
    code = library.seccomp_rule_add_array(context, action, ctypes.c_int(number), ctypes.c_uint(len(compared)), array)
    if code:
        raise Uncompiled(f"libseccomp refuses the rule for {name}: {os.strerror(-code)}")


def _argument(one: Mapping[str, Any]) -> _Argument:
    return _Argument(one["index"], _COMPARE[one["op"]], one["value"], one.get("valueTwo", 0))


def _action(name: str, said: Mapping[str, Any]) -> int:
    if name == "SCMP_ACT_ALLOW":
        return _ALLOW
    if name == "SCMP_ACT_ERRNO":
        return _ERRNO | int(said.get("errnoRet", said.get("defaultErrnoRet", _EPERM)))
    raise Uncompiled(f"the profile asks for {name}")


def _exported(library: ctypes.CDLL, context: ctypes.c_void_p) -> bytes:
    fd = os.memfd_create("seccomp")
    with os.fdopen(fd, "r+b") as file:
        if code := library.seccomp_export_bpf(context, ctypes.c_int(fd)):
            raise Uncompiled(f"libseccomp cannot export the profile: {os.strerror(-code)}")
        file.seek(0)
        return file.read()
