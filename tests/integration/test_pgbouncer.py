"""PgBouncer, the real one: it is refused when a server starts, in words that say what to do."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.commands import run_process
from support.faulty_proxy import FaultyProxy
from support.fleet import LONG
from support.machine import Machine
from support.ports import held_port

_SETTINGS = """
[databases]
* = host=127.0.0.1 port={behind} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
{more}
"""
_IGNORED = (
    "ignore_startup_parameters = statement_timeout, lock_timeout, "
    "idle_in_transaction_session_timeout, tcp_keepalives_idle, tcp_keepalives_interval, "
    "tcp_keepalives_count, synchronous_commit, extra_float_digits, jit"
)


@contextlib.contextmanager
def pgbouncer(folder: Path, database: str, mode: str, more: str) -> Iterator[str]:
    """Run it before a database; gives its URL. Skips where there is none."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        pytest.skip("there is no pgbouncer here: apt-get install pgbouncer")
    log = folder / "pgbouncer.log"
    with held_port() as port, FaultyProxy(database) as door:
        text = _SETTINGS.format(behind=door.port, user="postgres", port=port, mode=mode, more=more)
        ini = Path(f"/tmp/valetkey-{os.getpid()}-{port}.ini")  # noqa: S108  # where nobody may read
        ini.write_text(text)
        ini.chmod(0o644)
        own = ["-u", pwd.getpwnam("nobody").pw_name] if os.getuid() == 0 else []
        with log.open("w") as out:
            process = subprocess.Popen([program, *own, str(ini)], stdout=out, stderr=out)  # noqa: S603  # our own words
        try:
            _wait_for(port, log)
            name = urlsplit(database).path
            yield f"postgresql://postgres@127.0.0.1:{port}{name}"
        finally:
            process.kill()
            process.wait(LONG)
            ini.unlink()


def _wait_for(port: int, log: Path) -> None:
    until = time.monotonic() + LONG
    while True:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 5).close()
            return
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.1)


@pytest.mark.parametrize("mode", ["transaction", "session"])
@pytest.mark.parametrize(
    ("more", "said"),
    [("", "a pooler such as PgBouncer"), (_IGNORED, "does not pass on the settings of a session")],
    ids=["as it comes", "told to ignore settings"],
)
def test_a_server_behind_pgbouncer_refuses_to_start_and_says_why(
    postgresql_url: str, tmp_path: Path, mode: str, more: str, said: str
) -> None:
    machine = Machine(tmp_path, "http://127.0.0.1:9", VALETKEY_DATABASE_URL=postgresql_url)
    with pgbouncer(tmp_path, postgresql_url, mode, more) as url:
        ran = run_process(
            ["serve", "--port", "0"], machine.environment | {"VALETKEY_DATABASE_URL": url}
        )
    assert ran.code in {2, 8}  # a setting that is wrong, or a database that can't be used
    assert said in ran.said
    assert "Traceback" not in ran.said
