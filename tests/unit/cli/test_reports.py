"""A report reads as instructions, to somebody who has never seen IAM."""

from __future__ import annotations

import io

from rich.console import Console

from valetkey.cli.reports import _LAYERS, show_checks
from valetkey.domain.diagnosis.layers import KNOWN_ERRORS
from valetkey.domain.verification import Check, Outcome

FIX = 'Paste this:\n{\n  "Effect": "Allow",\n  "Resource": "arn:aws:s3:::a-very-long-name/[x]/*"\n}'
GOOD = Check("key", "AWS knows the key.", Outcome.PASSED)
BAD = Check(
    "trust",
    "The role trusts the user.",
    Outcome.FAILED,
    cause="Its trust policy lacks the user.",
    fix=FIX,
    aws_error="AccessDenied: not authorized",
    layer="trust",
)
SKIPPED = Check("list", "It can be listed.", Outcome.SKIPPED, cause="no role", subject="data")
NOTE = Check("cors", "Browsers may.", Outcome.FAILED, "No rule.", "Add one.", advisory=True)
UNKNOWN = Check("sts", "STS answers.", Outcome.UNKNOWN, "It asks for patience.", "Wait.")


def shown(*checks: Check, width: int = 40) -> str:
    file = io.StringIO()
    show_checks(Console(file=file, width=width, color_system=None), checks)
    return file.getvalue()


def test_the_first_failure_says_why_who_refuses_and_what_to_do() -> None:
    text = shown(GOOD, BAD, SKIPPED)
    assert "To fix first: trust" in text
    assert "Why: Its trust policy lacks the user." in text
    assert "Who refuses: the role's trust policy, which says who may become the role" in text
    assert "AWS said: AccessDenied: not authorized" in text
    assert "Everything" not in text


def test_what_is_to_be_pasted_is_neither_folded_nor_changed() -> None:
    assert FIX in shown(BAD, width=30)


def test_a_location_is_named_above_its_checks_and_a_skipped_one_says_why() -> None:
    text = shown(GOOD, SKIPPED, width=80)
    assert "the location data" in text
    assert "(no role)" in text


def test_advice_is_no_failure() -> None:
    text = shown(GOOD, NOTE)
    assert "note" in text
    assert "FAILED" not in text
    assert "Worth knowing" in text
    assert "Everything that is needed works." in text


def test_no_answer_is_said_to_be_no_answer() -> None:
    text = shown(UNKNOWN)
    assert "Not known: STS answers." in text
    assert "Everything" not in text


def test_every_layer_has_words() -> None:
    """The client library does not know the domain, so that the words stand twice."""
    assert set(_LAYERS) == {str(layer) for layer in KNOWN_ERRORS}
