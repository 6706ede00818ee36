"""What the environment, and whoever makes a client, may say wrongly: an error of the library says
so, and none of the HTTP library's gets out."""

from __future__ import annotations

import copy
import importlib.util
import inspect
import pickle
import ssl
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from valetkey.sdk import (
    AsyncClient,
    Client,
    ClientClosed,
    InvalidRequest,
    MissingPackage,
    Unavailable,
    errors,
)
from valetkey.sdk.call import Call

URL = "https://valetkey.invalid"


@pytest.mark.parametrize(
    "url",
    [
        "valetkey.example.com",
        "ftp://valetkey.example.com",
        "https://",
        "https://ada@valetkey.example.com",
        "https://valetkey.example.com\n/v1",
        "https://valetkey.example.com /v1",
        "https://valetkey.example.com:99999",
        "https://valetkey.example.com:port",
        "https://exämple\u202e.com",
        "https://[::1",
        "https://valetkey.example.com/?a=b",
        "https://valetkey.example.com/#a",
    ],
)
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_what_is_no_address_of_a_server_is_refused(kind: Any, url: str) -> None:
    with pytest.raises(InvalidRequest, match="not the address of a server"):
        kind(url, "vkt_x")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTPS_PROXY", "nonsense://proxy"),
        ("ALL_PROXY", "http://proxy:port"),
        ("SSL_CERT_FILE", "/nonexistent/roots.pem"),
        ("SSL_CERT_FILE", __file__),
    ],
)
def test_a_proxy_or_a_certificate_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidRequest, match="proxies or certificates") as refused:
        Client(URL, "vkt_x")
    assert name in refused.value.hint


async def test_the_asynchronous_client_names_it_once_it_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "nonsense://proxy")
    with pytest.raises(InvalidRequest, match="proxies or certificates"):
        await AsyncClient(URL, "vkt_x").accounts.get_me()


@pytest.mark.skipif(importlib.util.find_spec("socksio") is not None, reason="it is installed")
def test_a_socks_proxy_needs_a_library_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    with pytest.raises(MissingPackage) as refused:
        Client(URL, "vkt_x")
    assert "httpx2[socks]" in refused.value.hint


def test_this_machine_is_reached_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    monkeypatch.setenv("HTTPS_PROXY", "nonsense://proxy")
    Client("http://127.0.0.1:1", "vkt_x").close()


def test_for_this_machine_nobody_reads_which_authorities_are_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def read(*_: object, **__: object) -> None:
        raise OSError("Reading them takes a tenth of what a command may take.")

    for name in ("load_verify_locations", "load_default_certs", "set_default_verify_paths"):
        monkeypatch.setattr(ssl.SSLContext, name, read)
    Client("http://127.0.0.1:1", "vkt_x").close()
    with pytest.raises(InvalidRequest, match="Reading them"):
        Client("https://127.0.0.1:1", "vkt_x")


@pytest.mark.parametrize(
    "kind",
    [
        each
        for each in vars(errors).values()
        if inspect.isclass(each) and issubclass(each, errors.ApiError)
    ],
)
def test_an_error_travels_whole(kind: type[errors.ApiError]) -> None:
    more: dict[str, Any] = {"retry_after": 3.0} if kind is Unavailable else {}
    error = kind(
        "no", hint="do", code="c", request_id="r", status=4, field="f", details={"a": [1]}, **more
    )
    pickled = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own
    for other in (pickled, copy.copy(error), copy.deepcopy(error)):
        assert type(other) is kind
        assert vars(other) == vars(error)
        assert (str(other), other.args) == ("no do", ("no",))


def test_a_closed_client_says_so() -> None:
    client = Client("http://127.0.0.1:1", "vkt_x")
    client.close()
    client.close()
    _says_that_it_is_closed(client.accounts.get_me)
    _says_that_it_is_closed(lambda: list(client.locations.list()))
    _says_that_it_is_closed(lambda: list(client.chunks(Call("GET", "/v1/me", bytes))))
    with Client("http://127.0.0.1:1", "vkt_x") as client:
        pass
    _says_that_it_is_closed(client.accounts.get_me)


def _says_that_it_is_closed(call: Callable[[], object]) -> None:
    with pytest.raises(ClientClosed, match="closed") as refused:
        call()
    assert refused.value.hint
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize("is_given", [False, True])
async def test_a_closed_asynchronous_client_says_so(*, is_given: bool) -> None:
    http = httpx2.AsyncClient() if is_given else None
    async with AsyncClient("http://127.0.0.1:1", "vkt_x", http=http) as client:
        if http is not None:
            await http.aclose()
            with pytest.raises(ClientClosed, match="closed"):
                await client.accounts.get_me()
    await client.close()
    with pytest.raises(ClientClosed, match="closed"):
        await client.accounts.get_me()
    with pytest.raises(ClientClosed, match="closed"):
        await anext(client.chunks(Call("GET", "/v1/me", bytes)))


def test_a_client_whose_own_http_is_closed_says_so() -> None:
    http = httpx2.Client()
    client = Client("http://127.0.0.1:1", "vkt_x", http=http)
    http.close()
    _says_that_it_is_closed(client.accounts.get_me)
