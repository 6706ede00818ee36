from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from valetkey.domain.lease import Lease, LeaseClaim
from valetkey.domain.revocation import (
    MOST_CHARACTERS,
    ROOM_FOR_OTHERS,
    Block,
    Hold,
    Kind,
    Revocation,
    RevocationState,
    find_block,
    find_hold,
    has_room,
    render,
    select_sessions,
)
from valetkey.domain.scope import AccessLevel

NOW = datetime(2026, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC)
ROLE = "arn:aws:iam::123456789012:role/valetkey"


def lease(number: int = 1, *, minutes: int = 60, who: str = "ada@example.com") -> Lease:
    lease_id = f"{number:024x}"
    return Lease(
        id=lease_id,
        org_id="a" * 24,
        integration_id="d" * 24,
        location_id="e" * 24,
        user_id="b" * 24,
        principal=who,
        role_arn=ROLE,
        session_name=f"{who}-{lease_id}",
        access_key_id="ASIA",
        issued_at=NOW - timedelta(minutes=5),
        expires_at=NOW + timedelta(minutes=minutes),
        bucket="acme",
        prefixes=("",),
        levels=frozenset({AccessLevel.READ}),
    )


def revocation(number: int = 1, **changes: Any) -> Revocation:
    plain: dict[str, Any] = {
        "id": f"{number:024x}",
        "org_id": "a" * 24,
        "integration_id": "d" * 24,
        "role_arn": ROLE,
        "kind": Kind.LEASE,
        "target": f"{number:024x}",
        "sessions": (f"*:ada@example.com-{number:024x}",),
        "before": NOW,
        "until": NOW + timedelta(hours=1),
        "state": RevocationState.PENDING,
        "reason": "stolen",
        "actor": "owner@example.com",
        "created_at": NOW,
    }
    return Revocation(**plain | changes)


def wide(**changes: Any) -> Revocation:
    return revocation(99, **{"kind": Kind.INTEGRATION, "sessions": (), "before": NOW} | changes)


def claim(*leases: Lease, names: bool = True) -> LeaseClaim:
    return LeaseClaim(
        len(leases),
        max(each.issued_at for each in leases),
        max(each.expires_at for each in leases),
        tuple(each.session_name for each in leases) if names else None,
        leases[0],
    )


def statements(*revocations: Revocation, **more: Any) -> list[dict[str, Any]]:
    document = render(revocations, **more).document
    return list(document["Statement"]) if document else []


def test_a_lease_is_named_by_its_session_and_lasts_until_that_has_ended() -> None:
    one = lease(7)
    found = select_sessions(Kind.LEASE, one.id, claim(one), NOW)
    assert found.sessions == (f"*:ada@example.com-{7:024x}",)
    assert found.until >= one.expires_at


def test_a_principal_is_meant_by_name_and_nobody_whose_name_begins_alike() -> None:
    known = replace(claim(lease()), names=())  # the pattern names it
    (pattern,) = select_sessions(Kind.PRINCIPAL, "ada@example.com", known, NOW).sessions
    assert pattern == "*:ada@example.com-" + "?" * 24


@pytest.mark.parametrize("who", ["ada lovelace@example.com", f"{'a' * 28}@example.com"])
def test_a_principal_whose_name_does_not_fit_a_session_name_is_meant_lease_by_lease(
    who: str,
) -> None:
    leases = [lease(1, who=who), lease(2, who=who)]
    sessions = select_sessions(Kind.PRINCIPAL, who, claim(*leases), NOW).sessions
    assert [name[-1] for name in sessions] == ["1", "2"]


def test_an_integration_is_everything_before_now_to_the_second_and_nothing_later() -> None:
    found = select_sessions(Kind.INTEGRATION, "d" * 24, None, NOW)
    assert found.sessions == ()
    assert found.before == datetime(2026, 3, 1, 12, 0, 1, tzinfo=UTC)


def test_one_session_is_denied_by_its_userid_and_the_time_of_its_token() -> None:
    assert statements(revocation(7)) == [
        {
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": {
                "DateLessThan": {"aws:TokenIssueTime": "2026-03-01T12:05:00Z"},
                "StringLike": {"aws:userid": [f"*-{7:024x}"]},
            },
        }
    ]


def test_single_sessions_share_one_statement() -> None:
    (statement,) = statements(revocation(1), revocation(2), revocation(1))
    assert len(statement["Condition"]["StringLike"]["aws:userid"]) == 2


def test_the_same_principal_revoked_twice_is_denied_once_until_the_later_moment() -> None:
    pattern = ("*:ada@example.com-" + "?" * 24,)
    first = revocation(1, kind=Kind.PRINCIPAL, sessions=pattern, before=NOW)
    again = revocation(2, kind=Kind.PRINCIPAL, sessions=pattern, before=NOW + timedelta(hours=2))
    (statement,) = statements(again, first)
    assert statement["Condition"]["DateLessThan"] == {"aws:TokenIssueTime": "2026-03-01T14:00:00Z"}


def test_two_principals_keep_moments_of_their_own() -> None:
    ada = revocation(1, sessions=("*:ada-" + "?" * 24,), before=NOW)
    bob = revocation(2, sessions=("*:bob-" + "?" * 24,), before=NOW + timedelta(hours=2))
    moments = [s["Condition"]["DateLessThan"]["aws:TokenIssueTime"] for s in statements(ada, bob)]
    assert moments == ["2026-03-01T12:00:00Z", "2026-03-01T14:00:00Z"]


def test_what_the_widest_deny_covers_is_not_repeated() -> None:
    earlier = revocation(1, before=NOW - timedelta(minutes=1))
    (statement,) = statements(earlier, wide())
    assert "StringLike" not in statement["Condition"]


def test_a_session_revoked_after_the_widest_deny_still_has_its_own() -> None:
    assert len(statements(wide(before=NOW - timedelta(hours=1)), revocation(1))) == 2


def test_without_revocations_there_is_no_policy() -> None:
    assert render([]).text == ""


def test_names_and_patterns_of_one_revocation_have_moments_of_their_own() -> None:
    both = ("*:ada-" + "?" * 24, "*:shared-x-1")
    exact, pattern = statements(revocation(1, kind=Kind.PRINCIPAL, sessions=both))
    assert exact["Condition"] == {
        "DateLessThan": {"aws:TokenIssueTime": "2026-03-01T12:05:00Z"},
        "StringLike": {"aws:userid": ["*:shared-x-1"]},
    }
    assert pattern["Condition"]["DateLessThan"] == {"aws:TokenIssueTime": "2026-03-01T12:00:00Z"}


def test_of_too_many_to_be_named_it_is_every_session_up_to_the_newest() -> None:
    newest = replace(lease(2), issued_at=NOW + timedelta(seconds=40))  # AWS's clock is ahead
    many = claim(lease(1), newest, names=False)
    found = select_sessions(Kind.LOCATION, "e" * 24, many, NOW)
    assert (found.sessions, found.widened) == ((), True)
    assert newest.issued_at < found.before <= newest.issued_at + timedelta(seconds=1)


def test_as_many_sessions_as_fit_are_named_and_one_more_widens_the_deny() -> None:
    fitting = [of(1)]
    while not (policy := render([*fitting, of(len(fitting) + 1)])).widened:
        fitting.append(of(len(fitting) + 1))
    assert len(fitting) > 250
    assert len(render(fitting).text) <= MOST_CHARACTERS - ROOM_FOR_OTHERS
    assert len(policy.widened) == len(fitting) + 1
    (statement,) = json.loads(policy.text)["Statement"]
    assert statement["Condition"] == {
        "DateLessThan": {"aws:TokenIssueTime": "2026-03-01T12:00:00Z"}
    }


def of(number: int, who: str = "", **changes: Any) -> Revocation:
    """One session of somebody's; of a stranger's, if it is not said whose."""
    name = who or f"stranger-{number}@example.com"
    return revocation(number, sessions=(f"*:{name}-{number:024x}",), **changes)


def test_who_fills_the_room_alone_has_their_own_sessions_denied_and_nobody_elses() -> None:
    eve = [of(number, "eve@example.com") for number in range(1, 2000)]
    late = of(2000, "eve@example.com", before=NOW + timedelta(seconds=40))
    bob = [of(number, "bob@example.com") for number in (5001, 5002)]
    policy = render([*eve, late, *bob])
    assert not policy.everybody
    assert policy.widened == {each.id for each in (*eve, late)}
    assert len(policy.text) < 700
    named = json.loads(policy.text)["Statement"]
    denied = {name for each in named for name in each["Condition"]["StringLike"]["aws:userid"]}
    pattern = "*:eve@example.com-" + "?" * 24
    assert denied == {pattern, *(f"*-{number:024x}" for number in (5001, 5002))}
    [by_time] = [each for each in named if pattern in each["Condition"]["StringLike"]["aws:userid"]]
    assert by_time["Condition"]["DateLessThan"] == {"aws:TokenIssueTime": "2026-03-01T12:00:40Z"}


def test_of_thousands_of_strangers_it_is_everybody() -> None:
    assert render([of(number) for number in range(5000)]).everybody


def test_one_caller_leaves_others_their_room_and_an_owner_the_last() -> None:
    standing: list[Revocation] = []
    for number in range(1, 1000):
        new = of(number, actor="eve@example.com")
        if not has_room(standing, new):
            break
        standing.append(new)
    assert 90 < len(standing) < 150
    assert has_room(standing, of(5000, actor="bob@example.com"))
    mallory = [of(6000 + each, actor="mallory@example.com") for each in range(100)]
    assert not render([*standing, *mallory]).widened
    assert not has_room(standing, wide(actor="eve@example.com", widened=True))


def test_however_many_callers_fill_their_shares_they_leave_an_owner_room() -> None:
    standing: list[Revocation] = []
    for number in range(1, 600, 2):
        new = of(number, actor=f"eve{number % 5}@example.com")
        if has_room(standing, new):
            standing.append(new)
    policy = render([*standing, *(of(5000 + each, actor="ada@example.com") for each in range(20))])
    assert not policy.widened


@pytest.mark.parametrize(
    ("kind", "holder", "actor", "fits"),
    [
        (Kind.LOCATION, "eve@example.com", "eve@example.com", True),
        (Kind.LOCATION, "bob@example.com", "eve@example.com", False),
        (Kind.LOCATION, "e" * 39, "e" * 39, False),
        (Kind.LOCATION, f"nightly@{'a' * 24}.servic", "eve@example.com", False),
        (Kind.SERVICE_ACCOUNT, f"nightly@{'a' * 24}.servic", "eve@example.com", True),
        (Kind.SERVICE_ACCOUNT, f"fourteen-chars@{'a' * 24}", "eve@example.com", True),
        (Kind.SERVICE_ACCOUNT, f"fifteen-letters@{'a' * 23}", "eve@example.com", False),
        (Kind.SERVICE_ACCOUNT, "a-name-that-others-have-and-that-is-cut", "eve@example.com", False),
        (Kind.SERVICE_ACCOUNT, f"shared-{'a' * 24}", "eve@example.com", False),
    ],
)
def test_who_ends_only_what_is_theirs_ends_no_other_session_of_anybody_else(
    kind: Kind, holder: str, actor: str, *, fits: bool
) -> None:
    many = [of(number, holder, kind=kind, actor=actor) for number in range(1, 200)]
    *standing, new = many
    assert has_room(standing, new) is fits
    assert has_room(standing[:50], new)


def test_who_ended_their_own_is_widened_before_those_who_hold_more() -> None:
    eves = [of(each, "eve@example.com", actor="eve@example.com") for each in range(1, 101)]
    bobs = [of(each, "bob@example.com", actor="eve@example.com") for each in range(200, 401)]
    assert render([*eves, *bobs], limit=6_500).widened == {each.id for each in eves}


@pytest.mark.parametrize(
    ("holder", "widened"), [(f"nightly@{'a' * 24}.servic", False), ("a" * 39, True)]
)
def test_a_deny_of_all_of_an_accounts_by_a_name_that_is_cut_says_that_it_reaches_further(
    holder: str, *, widened: bool
) -> None:
    sample = replace(lease(1), session_name=f"{holder}-{1:024x}")
    many = claim(sample, names=False)
    assert select_sessions(Kind.SERVICE_ACCOUNT, "b" * 24, many, NOW).widened is widened


def test_of_too_many_of_a_service_account_it_is_that_accounts_alone() -> None:
    many = claim(lease(1), names=False)
    found = select_sessions(Kind.SERVICE_ACCOUNT, "b" * 24, many, NOW)
    assert found.sessions == ("*:ada@example.com-" + "?" * 24,)
    shared = replace(many, shared_at=frozenset({"e" * 24}))
    assert select_sessions(Kind.SERVICE_ACCOUNT, "b" * 24, shared, NOW).widened


def test_a_widened_deny_reaches_the_newest_session_that_is_meant_and_no_further() -> None:
    late = revocation(2, before=NOW + timedelta(seconds=40))
    (statement,) = statements(revocation(1), late, limit=0)
    moment = statement["Condition"]["DateLessThan"]["aws:TokenIssueTime"]
    assert moment == "2026-03-01T12:00:40Z"


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (Kind.PRINCIPAL, "ada@example.com"),
        (Kind.LOCATION, "e" * 24),
        (Kind.INTEGRATION, "d" * 24),
        (Kind.TOKEN, "f" * 24),
        (Kind.SERVICE_ACCOUNT, "9" * 24),
    ],
)
def test_a_block_stands_before_whom_or_what_it_names(kind: Kind, target: str) -> None:
    block = Block("1" * 24, "a" * 24, kind, target, "left", "owner@example.com", NOW)
    assert find_block([block], {(kind, target), (Kind.LEASE, "0" * 24)}) is block
    assert find_block([block], {(kind, f"{target}x")}) is None


def test_a_hold_stands_until_it_ends_by_itself() -> None:
    hold = Hold("1" * 24, "a" * 24, Kind.TOKEN, "f" * 24, NOW + timedelta(minutes=2))
    about = {(Kind.TOKEN, "f" * 24)}
    assert find_hold([hold], about, NOW) is hold
    assert find_hold([hold], {(Kind.TOKEN, "0" * 24)}, NOW) is None
    assert find_hold([hold], about, NOW + timedelta(minutes=2)) is None
