"""API tokens, and service accounts with tokens of theirs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from support.ledger import Known, Token
from support.memory import OWNER
from support.organisation.acting import (
    ACCESS,
    PEOPLE,
    actors,
    below,
    levels,
    names,
    people,
    roles,
    which,
)
from support.organisation.asking import Asking
from valetkey.domain.access import ProjectRole
from valetkey.domain.grants import SubjectKind
from valetkey.domain.location import LocationChange
from valetkey.domain.scope import AccessLevel
from valetkey.domain.token_limits import TokenLimits
from valetkey.identity.tokens import NewToken
from valetkey.services.audit import Caller
from valetkey.services.grants import NewGrant


class Programs(Asking):
    """Whoever may do something makes tokens that carry it, or less."""

    @rule(
        person=people,
        number=which | st.none(),
        folder=below,
        access=levels | st.none(),
        minutes=st.sampled_from((12, 30, 300)),
    )
    def somebody_makes_a_token(
        self,
        person: str,
        number: int | None,
        folder: str,
        access: frozenset[AccessLevel] | None,
        minutes: int,
    ) -> None:
        """For all that they may, or for a location, what lies within it, and a folder of it."""
        place = self.place(number, person) if number is not None else None
        new, folder = self.new_token(place, folder, access, minutes)
        tokens = self.memory.services.tokens
        made = self.attempt(person, lambda caller: tokens.create(caller, new))
        if made is not None:
            assert person in self.ledger.members
            self.note_token(*made, person, place, folder, access)

    def new_token(
        self,
        place: Known | None,
        folder: str,
        access: frozenset[AccessLevel] | None,
        minutes: int,
    ) -> tuple[NewToken, str]:
        folder = f"{folder}/" if folder and place else ""
        limits = TokenLimits(
            locations=frozenset({place.id}) if place else None,
            prefixes=(folder,) if folder else None,
            levels=access,
        )
        return NewToken(next(names), timedelta(minutes=minutes), limits), folder

    def note_token(
        self,
        token: Any,
        secret: Any,
        person: str,
        place: Known | None,
        folder: str,
        access: frozenset[AccessLevel] | None,
    ) -> None:
        places = [place] if place else None
        self.ledger.tokens.append(
            Token(token.id, secret.reveal(), person, places, folder, access, token.expires_at)
        )

    @rule(actor=actors, number=which)
    def somebody_revokes_a_token(self, actor: str, number: int) -> None:
        if not self.ledger.tokens:
            return
        token = self.ledger.tokens[number % len(self.ledger.tokens)]

        async def work(caller: Caller) -> bool:
            await self.memory.services.tokens.revoke(caller, token.id)
            return True

        if self.attempt(actor, work):
            _, project = self.ledger.accounts.get(token.person, ("", ""))
            assert actor in {OWNER, token.person} or self.ledger.owns(actor, project)
            self.ledger.end([token])

    @rule(number=which)
    def a_token_makes_no_tokens_and_gives_nothing(self, number: int) -> None:
        if not self.ledger.tokens or not self.ledger.locations:
            return
        token = self.ledger.tokens[number % len(self.ledger.tokens)]
        services, place = self.memory.services, self.ledger.locations[0]
        grant = NewGrant(SubjectKind.USER, PEOPLE[0], ("",), ACCESS[0])
        role = ProjectRole.OWNER
        for verb in (
            lambda who: services.tokens.create(who, NewToken("more")),
            lambda who: services.people.create_project(who, self.memory.org_id, next(names)),
            lambda who: services.people.put_project_member(who, place.project, PEOPLE[0], role),
            lambda who: services.grants.create(who, place.id, grant),
            lambda who: services.locations.update(who, place.id, LocationChange(access=ACCESS[2])),
        ):
            assert self.attempt(token, verb) is None

    @rule(actor=actors, number=which, role=roles, place=which | st.none())
    def somebody_makes_a_service_account(
        self, actor: str, number: int, role: ProjectRole, place: int | None
    ) -> None:
        services, project = self.memory.services, self.project(number)
        limit = self.place(place) if place is not None else None
        new, folder = self.new_token(limit, "", None, 300)

        async def work(caller: Caller) -> Any:
            account = await services.service_accounts.create(caller, project, next(names), role)
            return account, await services.service_accounts.create_token(caller, account.id, new)

        made = self.attempt(actor, work)
        if made is not None:
            assert actor == OWNER or self.ledger.owns(actor, project)
            account, (token, secret) = made
            self.ledger.accounts[account.email] = (account.id, project)
            self.ledger.members.add(account.email)
            self.ledger.roles[project, account.email] = role
            self.note_token(token, secret, account.email, limit, folder, None)

    @rule(actor=actors, number=which)
    def somebody_deletes_a_service_account(self, actor: str, number: int) -> None:
        if not self.ledger.accounts:
            return
        email = list(self.ledger.accounts)[number % len(self.ledger.accounts)]
        account_id, project = self.ledger.accounts[email]
        accounts = self.memory.services.service_accounts
        if self.attempt(actor, lambda caller: accounts.delete(caller, account_id)) is not None:
            assert actor == OWNER or self.ledger.owns(actor, project)
            self.ledger.forget(email)
