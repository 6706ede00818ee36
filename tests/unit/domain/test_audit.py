"""The audit chain: any changed, removed or moved record is found, and named."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valetkey.domain.audit import (
    GENESIS,
    AuditEvent,
    AuditForm,
    AuditRecord,
    FilledForm,
    as_event,
    link,
    stamp,
    verify_chain,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def event(number: int, **details: object) -> AuditEvent:
    return AuditEvent(
        id=f"{number:024x}",
        at=NOON + timedelta(seconds=number),
        org_id="org",
        actor="ada@example.com",
        action="credentials.vend",
        outcome="allowed",
        subject="location:d",
        details=details,
    )


def chain(length: int) -> list[AuditRecord]:
    records: list[AuditRecord] = []
    previous = GENESIS
    for number in range(1, length + 1):
        records.append(link(number, previous, event(number)))
        previous = records[-1].hash
    return records


def test_an_untouched_chain_holds() -> None:
    verdict = verify_chain(chain(5))
    assert verdict.holds
    assert verdict.records == 5


def test_an_empty_chain_holds() -> None:
    assert verify_chain([]).holds


@given(st.integers(1, 8), st.sampled_from(["actor", "outcome", "reason", "source", "subject"]))
def test_a_changed_record_is_found_and_named(position: int, field: str) -> None:
    records = chain(8)
    victim = records[position - 1]
    changed = replace(victim.event, **{field: "tampered"})  # type: ignore[arg-type]  # text fields
    records[position - 1] = replace(victim, event=changed)
    verdict = verify_chain(records)
    assert verdict.broken_at == position
    assert "was changed" in verdict.problem


def test_a_changed_record_with_a_new_hash_is_found_at_its_successor() -> None:
    records = chain(4)
    records[1] = link(2, records[0].hash, replace(event(2), actor="mallory@example.com"))
    verdict = verify_chain(records)
    assert verdict.broken_at == 3
    assert "does not follow" in verdict.problem


@given(st.integers(1, 7))
def test_a_removed_record_is_found(position: int) -> None:
    records = chain(8)
    del records[position - 1]
    verdict = verify_chain(records)
    assert verdict.broken_at == position
    assert "missing or out of order" in verdict.problem


def test_swapped_records_are_found() -> None:
    records = chain(4)
    records[1], records[2] = records[2], records[1]
    assert verify_chain(records).broken_at == 2


def test_the_byte_form_does_not_depend_on_the_time_zone_or_the_order_of_details() -> None:
    one, other = event(1, a=1, b=2), event(1, b=2, a=1)
    moved = replace(other, at=one.at.astimezone(timezone(timedelta(hours=5))))
    assert one.canonical() == moved.canonical()


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        replace(event(1), at=datetime(2026, 1, 1))  # noqa: DTZ001  # that is the point


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
MOMENTS = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5))]))


@given(
    texts=st.tuples(*[TEXT] * 9),
    at=MOMENTS,
    details=st.dictionaries(TEXT, TEXT | st.integers() | st.lists(TEXT)),
)
def test_a_filled_form_has_the_byte_form_of_the_plain_event(
    texts: tuple[str, ...], at: datetime, details: dict[str, object]
) -> None:
    event_id, org_id, actor, action, outcome, subject, reason, request_id, source = texts
    form = AuditForm(
        org_id=org_id,
        actor=actor,
        action=action,
        outcome=outcome,
        subject=subject,
        reason=reason,
        details=details,
    )
    filled = FilledForm(form, request_id, source).date(event_id, at, stamp(at))
    plain = as_event(filled)
    assert (plain.id, plain.actor, plain.at, plain.source) == (event_id, actor, at, source)
    assert dict(plain.details) == details
    assert filled.canonical() == plain.canonical()
    assert filled.cells(at) == plain.cells(at)
