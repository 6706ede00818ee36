"""A report passes only by what was tried."""

from valetkey.domain.verification import Check, Outcome, Report

GOOD = Check("a", "a holds", Outcome.PASSED)
BAD = Check("b", "b holds", Outcome.FAILED, cause="because")
SKIPPED = Check("c", "c holds", Outcome.SKIPPED)
UNKNOWN = Check("d", "d holds", Outcome.UNKNOWN)


def test_an_empty_report_has_not_passed() -> None:
    assert not Report(()).passed


def test_one_failure_fails_the_report_and_is_the_first_named() -> None:
    report = Report((GOOD, BAD, SKIPPED))
    assert not report.passed
    assert report.first_failure is BAD


def test_an_unknown_answer_is_not_conclusive() -> None:
    assert Report((GOOD, SKIPPED)).conclusive
    assert not Report((GOOD, UNKNOWN)).conclusive
    assert Report((GOOD,)).first_failure is None
