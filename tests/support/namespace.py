"""Runs a folder of tests in namespaces of their own, where nobody else sees what they listen on.

Ray's parts listen on every interface, whatever they are told. So its tests have a network of their
own, in which there is nothing but loopback; and process numbers of their own, so that whatever they
leave behind ends with them.

As a module it is the first process in there: ``python -m support.namespace SECONDS WORDS...``.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

#: Tells the tests that they are in there.
INSIDE = "VALETKEY_IN_A_NAMESPACE"
_UNSHARE = ("unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1


def skip_where_not_permitted() -> None:
    """Skip the test that asks, with the reason, where there can't be such namespaces."""
    if shutil.which("unshare") is None:
        pytest.skip("there is no 'unshare' here, and Ray would listen on every interface")
    tried = subprocess.run([*_UNSHARE, "true"], capture_output=True, check=False, timeout=30)  # noqa: S603  # our own words
    if tried.returncode:
        why = tried.stderr.decode().strip()
        pytest.skip(f"no network namespace may be made here ({why}): Ray would listen everywhere")


def run_inside(
    words: Sequence[str], seconds: int, folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run a Python module with its words in there, for so many seconds at most; its process and
    all that it started are gone afterwards."""
    inside = [sys.executable, "-m", "support.namespace", str(seconds), sys.executable, "-m"]
    # Tests in there keep three folders of earlier runs, and would take ours for the fourth.
    with TemporaryDirectory(prefix="vk") as home:
        return subprocess.run(  # noqa: S603  # our own words
            [*_UNSHARE, *inside, *words],
            cwd=folder,
            env=os.environ
            | {
                INSIDE: "1",
                "PYTHONPATH": os.pathsep.join(sys.path),
                "PYTEST_DEBUG_TEMPROOT": home,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=seconds + 30,
        )


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        request = struct.pack("16sH14s", b"lo", 0, b"")
        flags = struct.unpack("16sH14s", fcntl.ioctl(door, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(door, _SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", flags | _IFF_UP, b""))


def _main() -> int:
    seconds, words = int(sys.argv[1]), sys.argv[2:]
    _raise_loopback()
    signal.signal(signal.SIGALRM, lambda *_: os._exit(124))  # and with it all that is in here
    signal.alarm(seconds)
    child = subprocess.Popen(words)  # noqa: S603  # our own words
    while True:  # whoever loses its parent is ours, and is to be waited for
        ended, status = os.waitpid(-1, 0)
        if ended == child.pid:
            return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(_main())
