"""`plan`, `apply`, `verify`: the AWS side brought to its desired state, whatever broke before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from valetkey.domain.errors import AwsRefused, Conflict
from valetkey.domain.ports.setup import AwsApi, KeyCustodian, SetupJournal, SetupJournals
from valetkey.domain.ports.time import Clock, Entropy
from valetkey.domain.setup import (
    AwsCall,
    Desired,
    KeyFacts,
    Plan,
    SetupSpec,
    Step,
    StepName,
    make_plan,
)
from valetkey.domain.setup.access_key import KeyConflict, MakeKey, decide
from valetkey.domain.verification import Outcome, Report
from valetkey.services.setup.keymaker import KeyMaker, LostResponse
from valetkey.services.setup.observe import Observer
from valetkey.services.setup.progress import Phase, Progress, StepEvent, ignore, waits
from valetkey.services.setup.retries import CallRetries, OnWait, aws_code
from valetkey.services.setup.verify import holds, report_of

#: Somebody else made it between our look and our call: look again.
_OVERTAKEN: Final = {"EntityAlreadyExists", "BucketAlreadyOwnedByYou"}
_MOST_PLANS: Final = 5
#: How long one call waits for what it builds on to become visible.
_WAIT_SECONDS: Final = 90.0
#: How long a new key may take to work everywhere.
_PROOF_SECONDS: Final = 60.0
#: How long a look waits for an AWS that is busy or away.
_LOOK_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Applied:
    """What ``apply`` ended with. ``plan`` is the one it carried out (its last, if it had to look
    again), ``key_id`` the access key in use, ``report`` the verification at the end, ``registered``
    what the custodian did, in sentences."""

    desired: Desired
    plan: Plan
    key_id: str
    report: Report
    registered: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Tell whether everything holds."""
        return holds(self.report)


class Setup:
    """One set-up's verbs, for one administrator and one custodian of the secret."""

    def __init__(
        self,
        aws: AwsApi,
        custodian: KeyCustodian,
        journals: SetupJournals,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._aws = aws
        self._custodian = custodian
        self._journals = journals
        self._clock = clock
        self._observer = Observer(aws, CallRetries(clock, entropy, limit=_LOOK_SECONDS))
        self._patience = CallRetries(clock, entropy, limit=_WAIT_SECONDS)
        self._keys = KeyMaker(aws, self._observer, self._patience, clock, custodian)

    async def plan(self, spec: SetupSpec, *, adopt: bool = False) -> Plan:
        """Look, and say what would change. Changes nothing.

        Raises AwsRefused, AwsUnavailable, and what the custodian raises.
        """
        desired = await self.resolve(spec)
        return await self._plan(desired, self._journal(desired), adopt=adopt)

    async def verify(self, spec: SetupSpec) -> Report:
        """Say for each step whether it holds, and prove the key by using it."""
        desired = await self.resolve(spec)
        plan = await self._plan(desired, self._journal(desired), adopt=False)
        return await self._verified(plan)

    async def apply(
        self, spec: SetupSpec, *, adopt: bool = False, progress: Progress = ignore
    ) -> Applied:
        """Bring AWS to the desired state; what is there already is left as it is.

        Can be broken off at any moment and run again. Raises Conflict (a person has to decide),
        Locked (another apply is at work), AwsRefused, AwsUnavailable, and what the custodian
        raises.
        """
        desired = await self.resolve(spec)
        journal = self._journal(desired)
        with journal.lock():
            plan = await self._carry_out(desired, journal, adopt=adopt, progress=progress)
            key_id = await self._custodian.holds()
            await self._prove(desired, progress)
            progress(StepEvent("register", Phase.STARTED, f"Complete with {self._custodian.name}."))
            registered = await self._custodian.complete(desired)
            progress(StepEvent("register", Phase.DONE, " ".join(registered)))
            report = await self._settled(desired, journal, progress)
        return Applied(desired, plan, key_id, report, registered)

    async def resolve(self, spec: SetupSpec) -> Desired:
        """Return the desired state in the administrator's account."""
        identity = await self._observer.identity()
        return spec.resolve(account=identity.account, partition=identity.arn.split(":")[1])

    def _journal(self, desired: Desired) -> SetupJournal:
        return self._journals.open(account=desired.account, setup=desired.name)

    async def _plan(self, desired: Desired, journal: SetupJournal, *, adopt: bool) -> Plan:
        observed = await self._observer.observe(desired)
        return make_plan(desired, observed, await self._key_facts(journal), adopt=adopt)

    async def _key_facts(self, journal: SetupJournal) -> KeyFacts:
        return KeyFacts(
            custodian=self._custodian.name,
            held=await self._custodian.holds(),
            intent=journal.read(),
            now=self._clock.now(),
        )

    async def _carry_out(
        self, desired: Desired, journal: SetupJournal, *, adopt: bool, progress: Progress
    ) -> Plan:
        for _ in range(_MOST_PLANS):
            plan = await self._plan(desired, journal, adopt=adopt)
            _refuse_obstacles(plan)
            try:
                for step in plan.steps:
                    await self._do(desired, journal, step, progress)
            except LostResponse:
                continue
            except AwsRefused as error:
                if aws_code(error) in _OVERTAKEN:
                    continue
                raise
            return plan
        raise Conflict(
            f"The set-up {desired.name!r} changed under {_MOST_PLANS} attempts to apply it.",
            hint="Something else is changing the same objects: find it, then run apply again.",
        )

    async def _do(
        self, desired: Desired, journal: SetupJournal, step: Step, progress: Progress
    ) -> None:
        on_wait = waits(step.name, progress)
        progress(StepEvent(step.name, Phase.STARTED, step.claim, step.verdict))
        for call in step.calls:
            if call.operation == "CreateAccessKey":
                await self._make_key(desired, journal, on_wait)
            elif call.operation == "DeleteAccessKey":
                await self._delete(call, on_wait)
            else:
                await self._patience.write(self._aws, call, on_wait=on_wait)
        if step.name is StepName.ACCESS_KEY:
            self._forget_intent(journal)
        progress(StepEvent(step.name, Phase.DONE, step.claim, step.verdict))

    def _forget_intent(self, journal: SetupJournal) -> None:
        """The key is held: nothing of ours is left to explain."""
        intent = journal.read()
        if intent is not None and intent.custodian == self._custodian.name:
            journal.clear()

    async def _make_key(self, desired: Desired, journal: SetupJournal, on_wait: OnWait) -> None:
        # Since the plan was made, a rival may have made a key: decide once more.
        keys = await self._observer.keys(desired.user, just_made=True)
        decision = decide(keys, await self._key_facts(journal))
        if isinstance(decision, KeyConflict):
            raise Conflict(decision.reason, hint=decision.fix)
        if isinstance(decision, MakeKey):
            known = frozenset(key.id for key in keys)
            await self._keys.make(desired, journal, known, on_wait)

    async def _delete(self, call: AwsCall, on_wait: OnWait) -> None:
        try:
            await self._patience.call(self._aws, call, on_wait=on_wait)
        except AwsRefused as error:
            if aws_code(error) != "NoSuchEntity":
                raise

    async def _prove(self, desired: Desired, progress: Progress) -> None:
        """Use the key until it works, or the time is up; the report at the end says the rest."""
        progress(StepEvent("prove", Phase.STARTED, "The key opens the role, and the role S3."))
        on_wait = waits("prove", progress)
        started, attempt = self._clock.monotonic(), 0
        report = await self._custodian.prove(desired)
        while not holds(report) and await self._pause(started, attempt, _reason(report), on_wait):
            attempt += 1
            report = await self._custodian.prove(desired)
        progress(StepEvent("prove", Phase.DONE, _reason(report) or "The key works."))

    async def _settled(self, desired: Desired, journal: SetupJournal, progress: Progress) -> Report:
        """Look again at the end, until what was written is what is read."""
        on_wait = waits("verify", progress)
        started, attempt = self._clock.monotonic(), 0
        plan = await self._plan(desired, journal, adopt=False)
        while plan.changes and await self._pause(
            started, attempt, f"not seen yet: {plan.changes[0].claim}", on_wait
        ):
            attempt += 1
            plan = await self._plan(desired, journal, adopt=False)
        return await self._verified(plan)

    async def _pause(self, started: float, attempt: int, why: str, on_wait: OnWait) -> bool:
        """Wait a little, and return True; return False when the time for it is up."""
        delay = self._patience.delay(attempt)
        if self._clock.monotonic() + delay - started > _PROOF_SECONDS:
            return False
        on_wait(why, delay)
        await self._clock.sleep(delay)
        return True

    async def _verified(self, plan: Plan) -> Report:
        proof = await self._custodian.prove(plan.desired)
        return Report((*report_of(plan).checks, *proof.checks))


def _reason(report: Report) -> str:
    open_ones = (check for check in report.checks if not check.advisory)
    failed = next((c for c in open_ones if c.outcome in {Outcome.FAILED, Outcome.UNKNOWN}), None)
    return f"{failed.claim} Not yet: {failed.aws_error or failed.cause}" if failed else ""


def _refuse_obstacles(plan: Plan) -> None:
    if not plan.obstacles:
        return
    first = plan.obstacles[0]
    others = len(plan.obstacles) - 1
    more = f" ({others} more: see plan.)" if others else ""
    raise Conflict(
        f"{first.detail}{more} Nothing was changed.",
        hint=first.fix,
        step=str(first.name),
    )
