"""The kernel's own refusal of network sockets, for libraries that do not ask Python (Linux)."""

from __future__ import annotations

import ctypes
import platform

_PR_SET_NO_NEW_PRIVS = 38
_SET_MODE_FILTER, _ALL_THREADS = 1, 1  # seccomp(2): SECCOMP_SET_MODE_FILTER, FILTER_FLAG_TSYNC
_AF_UNIX, _EPERM = 1, 1
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06  # BPF_LD+W+ABS, BPF_JMP+JEQ+K, BPF_RET+K
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
# machine: AUDIT_ARCH, number of socket(2), number of seccomp(2)
_MACHINES = {"x86_64": (0xC000003E, 41, 317), "aarch64": (0xC00000B7, 198, 277)}


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort),
        ("jt", ctypes.c_ubyte),
        ("jf", ctypes.c_ubyte),
        ("k", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.POINTER(_Instruction)))


def refuse_network_sockets() -> bool:
    """Let socket(2) fail with EPERM in every thread, but for AF_UNIX (graphics drivers use it).

    Cannot be taken back. Returns whether the kernel took the filter; Python's own sockets are shut
    by the audit hook in any case.
    """
    if platform.machine() not in _MACHINES:
        return False
    architecture, socket_number, seccomp_number = _MACHINES[platform.machine()]
    lines = (
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 0, 5, architecture),
        (_LOAD, 0, 0, _NUMBER),
        (_EQUAL, 0, 3, socket_number),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_EQUAL, 1, 0, _AF_UNIX),
        (_RETURN, 0, 0, _ERRNO | _EPERM),
        (_RETURN, 0, 0, _ALLOW),
    )
    array = (_Instruction * len(lines))(*(_Instruction(*line) for line in lines))
    program = _Program(len(lines), array)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    taken = libc.syscall(seccomp_number, _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(program))
    return bool(taken == 0)
