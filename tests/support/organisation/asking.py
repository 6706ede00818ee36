"""Asking for what can be had, and holding it against what was given."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from support.ledger import BUILDERS, KEYS, Known, Token
from support.organisation.acting import ACCESS, BELOW, PEOPLE, Acting, below, levels, people, which
from valetkey.domain.presign import Method
from valetkey.domain.scope import AccessLevel
from valetkey.services.vending import PresignRequest, VendRequest


class Asking(Acting):
    """For credentials and URLs, as somebody or with a token."""

    def places_of(self, person: str) -> list[Known]:
        """Where somebody may have something."""
        mine = self.ledger.subjects(person)
        granted = [each.place for each in self.ledger.grants.values() if each.person in mine]
        return [
            each
            for each in self.ledger.locations
            if each in granted or self.ledger.roles.get((each.project, person)) in BUILDERS
        ]

    def asks_for_all(self, person: str | Token, places: list[Known]) -> None:
        for place in places:
            for folder in BELOW:
                for access in ACCESS[:2]:
                    self.asks(person, place, folder, access)

    def everybody_asks(self, places: list[Known]) -> None:
        """Whoever has made one of the places, or builds with it, or has a token."""
        for place in places:
            builders = {
                person
                for (project, person), role in self.ledger.roles.items()
                if project == place.project and role in BUILDERS and person in PEOPLE
            }
            for person in sorted(builders | ({place.maker} - {""})):
                self.asks_for_all(person, [place])

    def asks(
        self, person: str | Token, place: Known, folder: str, access: frozenset[AccessLevel]
    ) -> None:
        request, vending = VendRequest((folder,), access), self.memory.services.vending
        vended = self.attempt(person, lambda caller: vending.vend(caller, place.id, request))
        if vended is None:
            self.reach("refused")
            return
        ends = vended.credentials.expires_at
        self.got(person, vended.scope.prefixes, vended.scope.levels, ends)
        self.reach(self.how(person, place))
        if not place.is_root:
            self.reach("credentials within a location that is no root")

    def how(self, person: str | Token, place: Known) -> str:
        """Tell by which right somebody got credentials."""
        if isinstance(person, Token):
            whose = "an account" if person.person in self.ledger.accounts else "a person"
            return f"credentials with a token of {whose}"
        if self.ledger.roles.get((place.project, person)) in BUILDERS:
            return "credentials by a role"
        own = any(
            (each.person, each.place) == (person, place) for each in self.ledger.grants.values()
        )
        return "credentials by a grant" if own else "credentials by a group"

    @rule(person=people, number=which, folder=below, access=levels)
    def somebody_asks_for_credentials(
        self, person: str, number: int, folder: str, access: frozenset[AccessLevel]
    ) -> None:
        place = self.place(number, person)
        if place is not None:
            self.asks(person, place, folder, access)

    @rule(token=which, number=which, folder=below, access=levels)
    def a_token_asks_for_credentials(
        self, token: int, number: int, folder: str, access: frozenset[AccessLevel]
    ) -> None:
        if self.ledger.tokens:
            shown = self.ledger.tokens[-1 - token % len(self.ledger.tokens)]
            place = self.place(number, shown.person)
            if place is not None:
                self.asks(shown, place, folder, access)

    @rule(
        person=people,
        token=which | st.none(),
        number=which,
        key=st.sampled_from(KEYS),
        method=st.sampled_from(list(Method)),
    )
    def somebody_asks_for_a_url(
        self, person: str, token: int | None, number: int, key: str, method: Method
    ) -> None:
        who: str | Token = person
        if token is not None and self.ledger.tokens:
            who = self.ledger.tokens[-1 - token % len(self.ledger.tokens)]
        place = self.place(number, who.person if isinstance(who, Token) else person)
        if place is not None:
            self.asks_for_a_url(who, place, key, method)

    def asks_for_a_url(self, who: str | Token, place: Known, key: str, method: Method) -> None:
        request, presigning = PresignRequest([key], method), self.memory.services.presigning
        made = self.attempt(who, lambda caller: presigning.presign(caller, place.id, request))
        if made is not None:
            rights = self.allowed(who)
            assert (key, method.level) in rights, f"{who} got a URL of {key}"
            assert made.expires_at <= rights[key, method.level]
            self.reach("a URL")

    @rule(person=people)
    def somebody_looks_at_what_there_is(self, person: str) -> None:
        locations = self.memory.services.locations
        for seen in self.attempt(person, locations.visible) or ():
            project = next(each.project for each in self.ledger.locations if each.id == seen.id)
            builds = self.ledger.roles.get((project, person)) in BUILDERS
            assert builds or not seen.integration_id
