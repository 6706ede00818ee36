"""Nobody can get, by any sequence of calls, what an organisation's owner did not give them.

Random people (no owners), their API tokens and service accounts do random verbs for many steps, in
between the owner gives and takes, and time passes. Each credential, each URL and each streamed byte
that somebody gets is held against a ledger of what was given and until when, which is kept in plain
sets and knows nothing of how the services decide. What people do stands in
``tests/support/organisation``, a module for each kind of thing.
"""

from __future__ import annotations

from typing import Final

from hypothesis import Phase, settings
from hypothesis.stateful import initialize, invariant, run_state_machine_as_test

from support.ledger import KEYS, Token
from support.memory import OWNER
from support.organisation.acting import ACCESS, BELOW, PEOPLE
from support.organisation.granting import Granting
from support.organisation.joining import Joining
from support.organisation.locating import Locating
from support.organisation.programs import Programs
from support.organisation.streaming import Streaming
from valetkey.domain.access import OrgRole, ProjectRole
from valetkey.domain.presign import Method

METHODS: Final = list(Method)
#: What the machine has to come to at least so often, or it would find nothing there.
REACHED: Final = {
    "refused": 1000,
    "credentials by a role": 100,
    "credentials by a grant": 100,
    "credentials by a group": 20,
    "credentials with a token of a person": 20,
    "credentials with a token of an account": 20,
    "credentials within a location that is no root": 100,
    "a URL": 10,
    "a stream": 50,
    "a stream with a token": 5,
    "a stream refused": 50,
}


class Organisation(Joining, Locating, Granting, Programs, Streaming):
    """All that people do."""

    @initialize()
    def everybody_joins(self) -> None:
        for person in PEOPLE:
            self.join(person)
        bob, eve, grace = PEOPLE
        self.owner_makes_a_root(0, "train", ACCESS[2], None)
        self.owner_makes_a_root(0, "private", ACCESS[2], None)
        self.somebody_gives_a_role(OWNER, 0, bob, ProjectRole.DEVELOPER)
        self.somebody_gives_a_role(OWNER, 0, eve, ProjectRole.ANNOTATOR)
        self.somebody_grants(OWNER, 0, eve, None, "a", ACCESS[2], None)
        self.somebody_makes_a_location(5, bob, 3, "a", ACCESS[2], False, None)
        assert self.ledger.locations[-1].maker == bob
        self.somebody_makes_a_group(OWNER, 0, grace)
        self.somebody_makes_a_token(bob, 1, "", None, 300)
        self.somebody_makes_a_token(bob, None, "", None, 300)
        self.somebody_makes_a_dataset(bob, 1)
        self.a_root_gives_less_for_a_while()

    @invariant()
    def whoever_asks_now_gets_no_more(self) -> None:
        """After each step somebody asks for all, or a folder, of a place: its maker, the next in
        turn, and whoever has a token for it."""
        self.turn += 1
        known, turn = self.ledger.locations, self.turn
        tokens: list[str | Token] = [*self.ledger.tokens[-2:], *self.ledger.ended[-1:]]
        for place in known[-1:] + known[turn % len(known) :][:1] if known else ():
            who: list[str | Token] = [PEOPLE[turn % len(PEOPLE)], *tokens]
            for person in [*who, *({place.maker} - {""})]:
                self.asks(person, place, BELOW[turn % len(BELOW)], ACCESS[turn % len(ACCESS)])
                if turn % 3 == 0:
                    key, method = KEYS[turn % len(KEYS)], METHODS[turn % len(METHODS)]
                    self.asks_for_a_url(person, place, key, method)
        token = turn // 2 if turn % 2 else None
        self.somebody_streams(PEOPLE[turn % len(PEOPLE)], token, turn, turn, turn % 4 < 2)

    @invariant()
    def the_owner_is_still_there(self) -> None:
        members = self.as_owner(
            lambda owner: self.memory.services.people.org_members(owner, self.memory.org_id)
        )
        assert members is not None
        assert any(member.role is OrgRole.OWNER for member in members)


class TestNobodyGetsMore:
    def test_whatever_is_done_and_the_machine_comes_to_all_that_can_be_had(self) -> None:
        Organisation.reached.clear()
        run_state_machine_as_test(
            Organisation,
            settings=settings(
                phases=[Phase.generate],
                max_examples=50,
                stateful_step_count=40,
                deadline=None,
                derandomize=True,
                report_multiple_bugs=False,
            ),
        )
        missed = {what: Organisation.reached[what] for what in REACHED}
        assert all(count >= REACHED[what] for what, count in missed.items()), missed
