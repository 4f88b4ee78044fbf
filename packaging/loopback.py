"""Brings the loopback interface of a new network namespace up, then becomes another program.

    unshare --net python loopback.py PROGRAM [ARGUMENTS...]

A namespace begins with its loopback interface down, so that not even a program's own server on
127.0.0.1 can be reached. Whatever leads out of the machine stays missing.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct
import sys

_SIOCSIFFLAGS = 0x8914  # linux/sockios.h
_UP_AND_RUNNING = 0x1 | 0x40  # linux/if.h

with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _UP_AND_RUNNING))
os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - what the caller names
