"""The first failed check names the true cause, in every broken set-up of the table."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from support.broken_setups import ALL, Broken
from support.diagnosing import World
from support.own_aws import OwnAws
from valetkey.domain.verification import Check, Outcome, Report

NewWorld = Callable[[], World]


def advice(report: Report) -> list[Check]:
    """What is not as it should be, though everything works."""
    return [each for each in report.checks if each.advisory and each.outcome is Outcome.FAILED]


def first_obstacle(report: Report, row: Broken) -> Check:
    if row.advisory:
        assert report.first_failure is None, report.first_failure
        (found,) = advice(report)
        assert found.name == row.check
        return found
    wanted = Outcome.UNKNOWN if row.unknown else Outcome.FAILED
    obstacles = [check for check in report.checks if check.outcome is wanted]
    assert obstacles, report
    return obstacles[0]


async def test_the_good_one_holds_in_every_claim(new_world: NewWorld, own: OwnAws) -> None:
    report = await new_world().verify(own)
    assert report.passed
    assert report.conclusive
    assert advice(report) == []
    skipped = {check.name for check in report.checks if check.outcome is Outcome.SKIPPED}
    assert skipped == {"external-id", "public-access", "more-rights"}
    assert [check.name for check in report.checks] == [
        *("sts", "key", "secret", "clock", "assume", "trust", "external-id", "session-length"),
        *("session", "region", "bucket", "public-access", "list", "write", "read", "delete"),
        *("more-rights", "outside-prefix", "outside-scope", "role-width", "odd-names"),
        *("kms", "cors", "cleanup"),
    ]


@pytest.mark.parametrize("row", ALL, ids=[row.name for row in ALL])
async def test_the_first_failed_check_names_the_cause(
    new_world: NewWorld, own: OwnAws, row: Broken
) -> None:
    world = new_world()
    row.change(world)
    report = await world.verify(own)
    found = first_obstacle(report, row)
    assert found.name == row.check, found
    assert row.says in found.cause
    assert found.fix
    after = report.checks[report.checks.index(found) + 1 :]
    reasons = [check.cause for check in after if check.outcome is Outcome.SKIPPED]
    assert all(reasons)


def test_the_table_is_long_and_most_of_it_is_real() -> None:
    assert len(ALL) >= 40
    assert sum(not row.injected for row in ALL) >= 40
