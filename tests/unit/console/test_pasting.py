from __future__ import annotations

import json

from valetkey.console.pasting import Piece, pieces
from valetkey.domain.diagnosis import Names, fixes
from valetkey.domain.role_arn import RoleArn

NAMES = Names(RoleArn.parse("arn:aws:iam::123456789012:role/r"), bucket="acme", prefix="a{b}/")


def pasted(fix: str) -> list[str]:
    return [piece.text for piece in pieces(fix) if piece.is_pasted]


def test_a_document_and_the_command_after_it_are_two_things_to_paste() -> None:
    document, command = pasted(fixes.allow_access(NAMES))
    assert json.loads(document) == fixes.access_document(NAMES)
    assert command.startswith("aws iam put-role-policy --role-name r ")
    assert command.endswith("'")


def test_two_documents_are_two_things_to_paste() -> None:
    mine, theirs = map(json.loads, pasted(fixes.allow_key(NAMES, "")))
    assert (mine["Version"], theirs["Sid"]) == ("2012-10-17", "Valetkey")


def test_a_list_is_a_document_too() -> None:
    rules, command = pasted(fixes.allow_browsers(NAMES, ""))
    assert json.loads(rules)[0]["MaxAgeSeconds"] == 3600
    assert command.startswith("aws s3api put-bucket-cors ")


def test_nothing_of_a_fix_is_lost_and_braces_in_a_sentence_are_a_sentence() -> None:
    for fix in (fixes.trust_user(NAMES), "Put {this} right.", "{not json", "", "[1\naws x"):
        together = "\n".join(piece.text for piece in pieces(fix))
        assert together.split() == fix.split()
    assert pieces("Put {this} right.") == [Piece("Put {this} right.", is_pasted=False)]
