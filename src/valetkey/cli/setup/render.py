"""Plans, progress and reports for people, and as JSON for programs."""

from __future__ import annotations

from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from valetkey.counting import counted
from valetkey.domain.setup import AwsCall, Plan, RemovalAction, TeardownPlan, Verdict
from valetkey.domain.verification import Outcome, Report
from valetkey.services.setup import Applied, Phase, Progress, StepEvent

_VERDICT_STYLES: Final = {
    Verdict.NOTHING: "green",
    Verdict.CREATE: "cyan",
    Verdict.UPDATE: "yellow",
    Verdict.ADOPT: "yellow",
    Verdict.CONFLICT: "bold red",
    Verdict.BLOCKED: "dim",
    Verdict.UNREADABLE: "magenta",
}
_OUTCOME_STYLES: Final = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "bold red",
    Outcome.SKIPPED: "dim",
    Outcome.UNKNOWN: "magenta",
}
_ACTION_STYLES: Final = {
    RemovalAction.REMOVE: "red",
    RemovalAction.RELEASE: "yellow",
    RemovalAction.KEEP: "green",
    RemovalAction.ABSENT: "dim",
    RemovalAction.REFUSE: "bold red",
}


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _lines(*parts: str) -> str:
    return "\n".join(escape(part) for part in parts if part)


def show_plan(console: Console, plan: Plan) -> None:
    """Show each step, and at the end how many change something."""
    table = _table("step", "to do", "what holds afterwards")
    for step in plan.steps:
        style = _VERDICT_STYLES[step.verdict]
        more = f"It also has: {', '.join(step.surplus)}." if step.surplus else ""
        text = _lines(step.claim, step.detail, step.fix, more)
        table.add_row(step.name, f"[{style}]{step.verdict}[/]", text)
    console.print(table)
    if plan.settled:
        console.print("Everything is as planned.")
    else:
        obstacles = len(plan.obstacles)
        way = f", {obstacles} in the way" if obstacles else ""
        console.print(f"{counted(len(plan.changes), 'step')} to do{way}.")


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return a plan for programs."""
    return {
        "setup": plan.desired.name,
        "account": plan.desired.account,
        "roleArn": plan.desired.role_arn,
        "settled": plan.settled,
        "steps": [
            {
                "name": step.name,
                "verdict": step.verdict,
                "claim": step.claim,
                "detail": step.detail,
                "fix": step.fix,
                "surplus": list(step.surplus),
                "calls": [_call_json(call) for call in step.calls],
            }
            for step in plan.steps
        ],
    }


def _call_json(call: AwsCall) -> dict[str, Any]:
    return {"action": call.action, "parameters": dict(call.parameters)}


def show_report(console: Console, report: Report) -> None:
    """Show each claim, and what to do about those that don't hold."""
    table = _table("check", "outcome", "claim")
    for check in report.checks:
        style = _OUTCOME_STYLES[check.outcome]
        text = _lines(check.claim, check.cause, check.fix)
        table.add_row(escape(check.name), f"[{style}]{check.outcome}[/]", text)
    console.print(table)


def report_json(report: Report) -> dict[str, Any]:
    """Return a report for programs."""
    return {
        "passed": report.passed,
        "conclusive": report.conclusive,
        "checks": [
            {
                "name": check.name,
                "title": check.claim,
                "outcome": check.outcome,
                "cause": check.cause,
                "fix": check.fix,
                "awsCode": check.aws_error,
                "seconds": round(check.seconds, 3),
            }
            for check in report.checks
        ],
    }


def applied_json(applied: Applied) -> dict[str, Any]:
    """Return what apply ended with, for programs. The secret is not in it."""
    return {
        "setup": applied.desired.name,
        "account": applied.desired.account,
        "bucket": applied.desired.bucket,
        "folder": applied.desired.folder,
        "region": applied.desired.region,
        "roleArn": applied.desired.role_arn,
        "accessKeyId": applied.key_id,
        "complete": applied.complete,
        "changed": [step.name for step in applied.plan.changes],
        "registered": list(applied.registered),
        "report": report_json(applied.report),
    }


def show_teardown(console: Console, teardown: TeardownPlan) -> None:
    """List what destroy does, before it does it."""
    table = _table("object", "action", "with it")
    for item in teardown.removals:
        style = _ACTION_STYLES[item.action]
        text = _lines(item.detail, item.fix, *item.parts)
        table.add_row(escape(item.what), f"[{style}]{item.action}[/]", text)
    console.print(table)


def teardown_json(teardown: TeardownPlan) -> dict[str, Any]:
    """Return a teardown for programs."""
    return {
        "setup": teardown.desired.name,
        "account": teardown.desired.account,
        "objects": [
            {
                "kind": item.kind,
                "object": item.what,
                "action": item.action,
                "detail": item.detail,
                "fix": item.fix,
                "parts": list(item.parts),
            }
            for item in teardown.removals
        ],
    }


def progress_to(console: Console) -> Progress:
    """Return a progress that prints a line for each step done and each wait."""

    def show(event: StepEvent) -> None:
        if event.phase is Phase.DONE:
            mark = "[green]ok[/]" if event.verdict != Verdict.NOTHING else "[dim]as is[/]"
            console.print(f"{mark:>18} {escape(event.text)}")
        elif event.phase is Phase.WAITING:
            text = f"waiting {event.seconds:.1f} s: {event.text}"
            console.print(f"[yellow]       {escape(text)}[/]")

    return show
