"""A forgotten password: a link that is made on the server, and works once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from support.commands import Commands
from valetkey.bootstrap import open_services
from valetkey.config import Settings
from valetkey.domain.errors import Denied
from valetkey.domain.secret import Secret

EMAIL = "ada@example.com"
OLD, NEW = "correct horse battery staple", "another long pass phrase"


def test_a_link_made_on_the_server_sets_a_password_once(commands: Commands, tmp_path: Path) -> None:
    folder = ["--data-dir", str(tmp_path / "data")]
    made = commands.run("init", "--email", EMAIL, "--password-file", "-", *folder, stdin=OLD)
    assert made.code == 0
    assert commands.run("users", "reset-password", "nobody@example.com", *folder).code == 5
    ran = commands.run("users", "reset-password", EMAIL, "--json", *folder)
    assert ran.code == 0
    text = ran.json["link"].partition("?link=")[2]
    asyncio.run(_use(tmp_path / "data", text))


async def _use(folder: Path, text: str) -> None:
    async with open_services(Settings(data_dir=folder)) as services:
        await services.accounts.login(EMAIL, Secret(OLD))
        await services.password_links.use(text, Secret(NEW))
        with pytest.raises(Denied, match="used"):
            await services.password_links.use(text, Secret(OLD))
        await services.accounts.login(EMAIL, Secret(NEW))
        records = [record.event async for record in services.audit.read()]
    (link,) = [event for event in records if event.action == "password_link.create"]
    assert (link.actor, link.subject.partition(":")[0]) == ("server", "user")
