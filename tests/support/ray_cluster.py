"""A real Ray cluster on loopback, a node an address. For tests in a namespace of their own."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

RAY = str(Path(sys.executable).parent / "ray")
HEAD, SECOND, THIRD = "127.0.0.2", "127.0.0.3", "127.0.0.4"
_SECONDS = 240
_STORE_BYTES = "80000000"
#: That a node is gone is noticed after two seconds, where a cluster in life takes half a minute.
_NOTICED_SOON = {
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_failure_threshold": "4",
}


class RayCluster:
    """A head, and nodes beside it. ``token`` is empty for a cluster that asks for none."""

    def __init__(
        self, folder: Path, *, head: str = HEAD, port: int = 6399, token: str = ""
    ) -> None:
        self.address = f"{head}:{port}"
        self.token_file = folder / f"token-{port}"
        self._token = token
        self.token_file.write_text(token)
        self.token_file.chmod(0o600)
        self._head, self._port = head, port
        # Its sockets' names are long, and a socket's name may not be.
        self._folder = Path(tempfile.mkdtemp(prefix="vk", dir="/tmp"))  # see above

    def start(self, **environment: str) -> None:
        """Start the head, whose processes have more in their environment."""
        words = ("--head", f"--port={self._port}", "--include-dashboard=false")
        self._start(self._head, *words, f"--temp-dir={self._folder}", **environment)

    def add(self, host: str, **environment: str) -> None:
        """Start another node, whose processes have more in their environment."""
        self._start(host, f"--address={self.address}", **environment)

    def processes(self, host: str) -> list[psutil.Process]:
        """A node's raylet, and the workers that it started."""
        named = f"--node_ip_address={host}"
        found = []
        for process in psutil.process_iter(["cmdline"]):
            words = process.info["cmdline"] or []
            if words and words[0].endswith("/raylet") and named in words:
                found += [process, *process.children(recursive=True)]
        return found

    def lose(self, host: str) -> None:
        """Do to a node what a power cut does."""
        for process in self.processes(host):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def remove(self) -> None:
        """End all that the cluster started, and forget what it wrote."""
        for process in psutil.process_iter(["cmdline"]):
            if any(str(self._folder) in word for word in process.info["cmdline"] or []):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, host: str, *words: str, **more: str) -> None:
        token = (
            {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(self.token_file)}
            if self._token
            else {"RAY_AUTH_MODE": "disabled"}
        )
        usual = (
            "--num-cpus=1",
            f"--object-store-memory={_STORE_BYTES}",
            "--disable-usage-stats",
            "--include-log-monitor=false",
        )
        # Its daemons keep whatever they are given as output: a file can't be waited for.
        with (self._folder / f"start-{host}").open("w") as log:
            subprocess.run(  # noqa: S603  # our own words
                [RAY, "start", f"--node-ip-address={host}", *usual, *words],
                env=os.environ | _NOTICED_SOON | token | more,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=True,
                timeout=_SECONDS,
            )


def drivers() -> list[psutil.Process]:
    """The drivers of syncs that run."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if "valetkey.catalog.engines.ray_driver" in (process.info["cmdline"] or [])
        and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


@contextlib.contextmanager
def running_cluster(folder: Path) -> Iterator[RayCluster]:
    """A cluster of two nodes with a token."""
    cluster = RayCluster(folder, token=secrets.token_hex(32))
    try:
        cluster.start()
        cluster.add(SECOND)
        yield cluster
    finally:
        cluster.remove()
