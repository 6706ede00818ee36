"""Only this installation's own HS256 tokens are read."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from valetkey.crypto.tokens import JwtTokens
from valetkey.domain.errors import Unauthenticated
from valetkey.domain.ports import TokenClaims
from valetkey.domain.secret import Secret

KEY = Secret("k" * 64)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLAIMS = TokenClaims("u" * 24, "ada@example.com", "key", NOW, NOW + timedelta(hours=1), NOW)
TOKENS = JwtTokens(KEY, "here")


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _unsigned() -> str:
    body = TOKENS.issue(CLAIMS).reveal().split(".")[1]
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{body}."


def _renamed(algorithm: str) -> str:
    _, body, signature = TOKENS.issue(CLAIMS).reveal().split(".")
    return f"{_part({'alg': algorithm, 'typ': 'JWT'})}.{body}.{signature}"


def test_an_issued_token_reads_back() -> None:
    assert TOKENS.read(TOKENS.issue(CLAIMS).reveal(), now=NOW) == CLAIMS


@pytest.mark.parametrize(
    "token",
    [
        "",
        "garbage",
        "a.b.c",
        "é.é.é",
        "x" * 100_000,
        _unsigned(),
        _renamed("HS512"),
        _renamed("none"),
        JwtTokens(KEY, "elsewhere").issue(CLAIMS).reveal(),
        JwtTokens(Secret("o" * 64), "here").issue(CLAIMS).reveal(),
        TOKENS.issue(CLAIMS).reveal()[:-5],
    ],
)
def test_a_token_that_is_not_ours_is_refused(token: str) -> None:
    with pytest.raises(Unauthenticated):
        TOKENS.read(token, now=NOW)


def test_a_token_ends_at_its_last_moment() -> None:
    token = TOKENS.issue(CLAIMS).reveal()
    assert TOKENS.read(token, now=CLAIMS.expires_at - timedelta(seconds=1)) == CLAIMS
    with pytest.raises(Unauthenticated, match="expired"):
        TOKENS.read(token, now=CLAIMS.expires_at)


def test_a_token_from_a_server_whose_clock_is_five_minutes_ahead_is_taken() -> None:
    token = TOKENS.issue(CLAIMS).reveal()
    assert TOKENS.read(token, now=CLAIMS.issued_at - timedelta(minutes=5)) == CLAIMS
