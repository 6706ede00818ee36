"""The commands: plan, apply, verify, destroy, export."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final, Literal

from cyclopts import App, Parameter

from valetkey.cli import show
from valetkey.cli.common import Flag
from valetkey.cli.setup import render
from valetkey.cli.setup.custody import NoCustodian, require_custodian
from valetkey.cli.setup.files import write_private
from valetkey.cli.setup.options import CustodianOptions, SetupTarget
from valetkey.cli.setup.running import open_tools, run
from valetkey.domain.errors import InvalidInput
from valetkey.domain.setup import StepName, TeardownPlan
from valetkey.domain.setup.export import FORMATS
from valetkey.domain.verification import Check, Outcome, Report
from valetkey.services.setup import holds

app = App(name="setup", help="Set up what Valetkey stands on.")
aws = App(name="aws", help="The AWS side: bucket, policy, user, role, key, trust.")
app.command(aws)

AsJson = Annotated[bool, Parameter(name="--json", negative=())]
ExportFormat = Literal["cloudformation", "terraform-json", "aws-cli", "policy-json"]

_NO_CUSTODIAN: Final = CustodianOptions()


@aws.command
def plan(
    target: SetupTarget,
    keeper: CustodianOptions = _NO_CUSTODIAN,
    *,
    adopt: Flag = False,
    as_json: AsJson = False,
) -> int:
    """Show what is there, and what apply would change. Changes nothing.

    Parameters
    ----------
    adopt
        Take over objects of these names that Valetkey did not make.
    as_json
        Print JSON.
    """

    async def work() -> int:
        async with open_tools(target, keeper) as tools:
            found = await tools.setup.plan(tools.spec, adopt=adopt)
        if as_json:
            show.write_json(render.plan_json(found))
        else:
            render.show_plan(show.output(), found)
        return 1 if found.obstacles else 0

    return run(work(), as_json=as_json)


@aws.command
def apply(
    target: SetupTarget,
    keeper: CustodianOptions = _NO_CUSTODIAN,
    *,
    adopt: Flag = False,
    as_json: AsJson = False,
) -> int:
    """Bring AWS to the planned state, and register the integration and the driver.

    It can be interrupted at any moment and run again.

    Parameters
    ----------
    adopt
        Take over objects of these names that Valetkey did not make.
    as_json
        Print JSON.
    """

    async def work() -> int:
        require_custodian(keeper)
        async with open_tools(target, keeper) as tools:
            progress = render.progress_to(show.messages())
            applied = await tools.setup.apply(tools.spec, adopt=adopt, progress=progress)
        if as_json:
            show.write_json(render.applied_json(applied))
        elif applied.complete:
            out = show.output()
            out.print(f"Everything holds. The role: {applied.desired.role_arn}", soft_wrap=True)
            out.print(f"The access key {applied.key_id} is kept by {tools.custodian.name}.")
        else:
            render.show_report(show.output(), applied.report)
        return 0 if applied.complete else 1

    return run(work(), as_json=as_json)


@aws.command
def verify(
    target: SetupTarget, keeper: CustodianOptions = _NO_CUSTODIAN, *, as_json: AsJson = False
) -> int:
    """Say for each step whether it holds, and what differs. Exit code 1 if something does.

    Parameters
    ----------
    as_json
        Print JSON.
    """

    async def work() -> int:
        async with open_tools(target, keeper) as tools:
            report = await tools.setup.verify(tools.spec)
            if isinstance(tools.custodian, NoCustodian):
                report = _without_key(report)
        if as_json:
            show.write_json(render.report_json(report))
        else:
            render.show_report(show.output(), report)
        return 0 if holds(report) else 1

    return run(work(), as_json=as_json)


def _without_key(report: Report) -> Report:
    """Nobody was named who could hold the key: its step is neither right nor wrong."""
    cause = "Neither a server (--url) nor a file (--secret-file) was named."
    return Report(
        tuple(
            Check(check.name, check.claim, Outcome.SKIPPED, cause)
            if check.name == StepName.ACCESS_KEY
            else check
            for check in report.checks
        )
    )


@aws.command
def destroy(
    target: SetupTarget,
    keeper: CustodianOptions = _NO_CUSTODIAN,
    *,
    delete_objects: Flag = False,
    yes: Flag = False,
    as_json: AsJson = False,
) -> int:
    """Remove what the set-up made, and nothing else. Lists it first, and asks.

    Parameters
    ----------
    delete_objects
        Delete the bucket's objects too, every version of them.
    yes
        Don't ask.
    as_json
        Print JSON.
    """

    async def work() -> int:
        async with open_tools(target, keeper) as tools:
            teardown = await tools.teardown.plan(tools.spec, delete_objects=delete_objects)
            if not as_json:
                render.show_teardown(show.output(), teardown)
            if teardown.changes and not teardown.obstacles and not yes:
                _ask(teardown)
            progress = render.progress_to(show.messages())
            released = await tools.teardown.destroy(teardown, progress=progress)
        if as_json:
            show.write_json(render.teardown_json(teardown) | {"released": list(released)})
        else:
            show.output().print("\n".join([*released, "Done."]), markup=False)
        return 0

    return run(work(), as_json=as_json)


def _ask(teardown: TeardownPlan) -> None:
    name = teardown.desired.name
    if not sys.stdin.isatty():
        raise InvalidInput(
            "Nobody is there to be asked, and nothing was removed.",
            hint="Add --yes when the list above is what shall go.",
        )
    question = f"Type the set-up's name ({name}) to remove all this: "
    answer = show.messages().input(question, markup=False)
    if answer.strip() != name:
        raise InvalidInput("That is another name: nothing was removed.", hint="")


@aws.command
def export(
    target: SetupTarget,
    *,
    to: Annotated[ExportFormat, Parameter(name="--format")],
    file: Annotated[Path | None, Parameter(name="--output")] = None,
) -> int:
    """Write the plan out for a review: the same objects, for other tools. Asks AWS nothing.

    Parameters
    ----------
    to
        cloudformation, terraform-json, aws-cli (a shell script) or policy-json.
    file
        Where to write it (default: standard output).
    """

    async def work() -> int:
        async with open_tools(target, _NO_CUSTODIAN) as tools:
            text = FORMATS[to](tools.spec)
        if file is None:
            sys.stdout.write(text)
        else:
            write_private(file, text)
        return 0

    return run(work(), as_json=False)
