"""``make revocations``: take rights away while a crowd vends, and use every credential at S3.

Ends with 1 if one of them works after the answer that ended it, or a hundred thousand leases take
longer than ten seconds. ``--credentials N`` is how many are
out when each right is taken; words name some of the ways.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from judges.revocation.office import office
from judges.revocation.proofs import PROOFS, Result
from valetkey.embedded import EmbeddedAws
from valetkey.serving import allow_many_files
from valetkey.testing.postgresql import running_postgresql

_WIDTHS = "{:<12}{:<20}{:>12}{:>10}{:>12}{:>9}{:>9}"


def main(words: list[str]) -> int:
    """Try all of them on SQLite in one process, and on PostgreSQL in two."""
    parser = argparse.ArgumentParser(prog="python -m judges.revocation")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PROOFS))
    parser.add_argument("--credentials", type=int, default=1_250)
    parser.add_argument("--database", choices=("sqlite", "postgresql"))
    given = parser.parse_args(words)
    allow_many_files()
    print(_WIDTHS.format("", "", "credentials", "refused", "left after", "worked", "seconds"))
    total, is_well, is_in_time = 0, True, True
    with EmbeddedAws() as aws:
        for database in [given.database] if given.database else ("sqlite", "postgresql"):
            for name in given.names or PROOFS:
                result = _tried(aws, database, name, given.credentials)
                total += result.credentials
                is_well, is_in_time = is_well and result.holds, is_in_time and result.is_in_time
    print(f"{total} credentials; {'none works' if is_well else 'SOME WORK'} after the answer")
    if not is_in_time:
        print("ending very many leases took TOO LONG")
    return int(not (is_well and is_in_time))


def _tried(aws: EmbeddedAws, database: str, name: str, count: int) -> Result:
    aws.reset()
    with ExitStack() as stack:
        home = Path(stack.enter_context(TemporaryDirectory()))
        url = ""
        if database == "postgresql":
            url = stack.enter_context(running_postgresql(home / "pg"))
        servers = 2 if url else 1
        made = stack.enter_context(office(aws, home, database=url, servers=servers))
        result = PROOFS[name](made, count)
    print(
        _WIDTHS.format(
            database,
            result.name,
            result.credentials,
            result.refused,
            result.left_after,
            result.worked,
            f"{result.seconds:.1f}",
        ),
        flush=True,
    )
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
