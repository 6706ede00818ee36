from __future__ import annotations

import base64
import json
import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from valetkey.sdk import ApiError, AsyncClient, Client, InvalidRequest, Unauthenticated, Unavailable
from valetkey.sdk.profiles import (
    DEFAULT_URL,
    KeptLogin,
    LoginToken,
    find_place,
    login_file,
    read_login,
    write_login,
)
from valetkey.wire.accounts import Login

START = datetime(2026, 1, 1, tzinfo=UTC)
URL = "https://valetkey.example.com"


def jwt(made: datetime, name: str = "first") -> str:
    claims = {"iat": made.timestamp(), "exp": (made + timedelta(hours=1)).timestamp(), "jti": name}
    return f"head.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.sig"


class Server:
    """Renews logins; counts how often; fails when told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.failure: ApiError | None = None
        self.now = START

    def clock(self) -> datetime:
        return self.now

    def __call__(self, login: KeptLogin) -> Login:
        self.asked.append(login.token)
        if self.failure is not None:
            raise self.failure
        token = jwt(self.now, f"renewed {len(self.asked)}")
        return Login(token=token, expires_at=self.now + timedelta(hours=1))


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "valetkey" / "login.json"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"XDG_STATE_HOME": str(tmp_path)}


LOGIN = KeptLogin(URL, "ada@example.com", jwt(START))


def test_the_environment_wins_over_the_login(
    path: Path, environment: dict[str, str], server: Server, tmp_path: Path
) -> None:
    write_login(path, LOGIN)
    (tmp_path / "key").write_text("from-a-file\n")
    place = find_place(environment, server, clock=server.clock)
    assert (place.url, place.token()) == (URL, LOGIN.token)
    environment["VALETKEY_TOKEN"] = " from-a-variable "
    assert find_place(environment, server).token() == "from-a-variable"
    environment["VALETKEY_TOKEN_FILE"] = str(tmp_path / "key")
    environment["VALETKEY_URL"] = "https://other.example.com/"
    place = find_place(environment, server)
    assert (place.url, place.token()) == ("https://other.example.com", "from-a-file")
    (tmp_path / "key").write_text("a-new-one")
    assert place.token() == "a-new-one"


def test_a_logins_token_goes_to_no_other_server(
    path: Path, environment: dict[str, str], server: Server
) -> None:
    write_login(path, LOGIN)
    with pytest.raises(Unauthenticated, match="other"):
        find_place(environment, server, url="https://other.example.com")


def test_who_has_neither_is_told_what_to_do(environment: dict[str, str], server: Server) -> None:
    with pytest.raises(Unauthenticated, match=f"{DEFAULT_URL}.*valetkey login"):
        find_place(environment, server)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o777])
def test_a_login_that_others_may_read_is_refused(
    path: Path, environment: dict[str, str], server: Server, mode: int
) -> None:
    write_login(path, LOGIN)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(mode)
    with pytest.raises(InvalidRequest, match="chmod 600"):
        find_place(environment, server)


def test_a_login_that_an_earlier_version_kept_is_read(path: Path) -> None:
    write_login(path, LOGIN)
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"refresh_token": "further"}))
    assert read_login(path) == LOGIN


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"url":1}'])
def test_a_file_that_is_no_login_is_said(path: Path, content: bytes) -> None:
    write_login(path, LOGIN)
    path.write_bytes(content)
    with pytest.raises(InvalidRequest):
        read_login(path)


def test_a_token_is_renewed_at_half_its_life_and_kept(path: Path, server: Server) -> None:
    write_login(path, LOGIN)
    token = LoginToken(path, LOGIN, server, server.clock)
    server.now += timedelta(minutes=29)
    assert token() == LOGIN.token
    server.now += timedelta(minutes=2)
    assert [token(), token()] == [jwt(server.now, "renewed 1")] * 2
    assert server.asked == [LOGIN.token]
    kept = read_login(path)
    assert kept is not None
    assert kept.token == token()


def test_what_another_program_has_renewed_is_taken(path: Path, server: Server) -> None:
    server.now += timedelta(minutes=31)
    write_login(path, KeptLogin(URL, LOGIN.email, jwt(server.now, "another's")))
    assert LoginToken(path, LOGIN, server, server.clock)() == jwt(server.now, "another's")
    assert server.asked == []


def test_a_renewal_does_not_undo_a_logout(path: Path, server: Server) -> None:
    server.now += timedelta(minutes=31)
    LoginToken(path, LOGIN, server, server.clock)()
    assert not path.exists()


@pytest.mark.parametrize("failure", [Unavailable("gone"), Unauthenticated("no")])
def test_a_renewal_that_fails_leaves_the_token_to_its_end(
    path: Path, server: Server, failure: ApiError
) -> None:
    write_login(path, LOGIN)
    server.failure = failure
    server.now += timedelta(minutes=31)
    assert LoginToken(path, LOGIN, server, server.clock)() == LOGIN.token


def test_nothing_prints_a_token(path: Path, environment: dict[str, str], server: Server) -> None:
    write_login(path, LOGIN)
    shown = f"{LOGIN!r} {find_place(environment, server, clock=server.clock)!r}"
    assert LOGIN.token not in shown


def test_the_file_is_where_the_desktop_says() -> None:
    assert login_file({"XDG_STATE_HOME": "/s"}) == Path("/s/valetkey/login.json")
    assert login_file({}) == Path.home() / ".local/state/valetkey/login.json"


async def test_both_clients_open_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VALETKEY_URL", URL)
    monkeypatch.setenv("VALETKEY_TOKEN", "silence_debug_logs-token")
    monkeypatch.delenv("VALETKEY_TOKEN_FILE", raising=False)
    async with AsyncClient() as one:
        assert one.url == URL
    with Client() as client:
        pickled = pickle.dumps(client.location("images"))
    assert b"silence_debug_logs-token" not in pickled
    again = pickle.loads(pickled)  # noqa: S301  # our own
    assert repr(again) == "<LocationClient 'images'>"
    again._client.close()


def test_a_client_that_holds_a_token_does_not_pickle() -> None:
    with (
        Client(URL, "silence_debug_logs-token") as client,
        pytest.raises(pickle.PicklingError) as caught,
    ):
        pickle.dumps(client)
    assert "Client()" in str(caught.value)
    assert "silence_debug_logs-token" not in str(caught.value)


def test_a_server_that_is_named_gets_the_token_that_is_found_for_it_and_a_login_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("VALETKEY_TOKEN_FILE", raising=False)
    monkeypatch.delenv("VALETKEY_TOKEN", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    seen: list[str | None] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers.get("authorization"))
        return httpx2.Response(403)

    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    with Client(URL, http=http) as client, pytest.raises(ApiError):
        client.accounts.create_login(email="ada@example.com", password="p")
    with Client(URL, http=http) as client, pytest.raises(Unauthenticated, match="not logged in"):
        client.accounts.get_me()
    write_login(login_file({"XDG_STATE_HOME": str(tmp_path)}), LOGIN)
    monkeypatch.setenv("VALETKEY_TOKEN", "from-a-variable")
    with Client(URL, http=http) as client, pytest.raises(ApiError):
        client.accounts.get_me()
    assert seen == [None, "Bearer from-a-variable"]
