"""Reports as instructions, for somebody who has never seen IAM: what holds, what does not and why,
who refuses, and what to paste or run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from rich.console import Console
from rich.markup import escape
from rich.table import Table

_MARKS: Final = {
    "passed": "[green]ok[/]",
    "failed": "[bold red]FAILED[/]",
    "skipped": "[dim]skipped[/]",
    "unknown": "[magenta]unknown[/]",
}
_NOTE: Final = "[yellow]note[/]"
#: The layers of AWS that can refuse, in a newcomer's words.
_LAYERS: Final = {
    "credentials": "the access key itself",
    "clock": "the time of the request",
    "region": "the region that was asked",
    "identity": "the policies of the user or the role that asks",
    "trust": "the role's trust policy, which says who may become the role",
    "permissionsBoundary": "the permissions boundary, an upper limit on the user or the role",
    "session": "the session policy, which Valetkey itself hands along",
    "bucketPolicy": "the bucket's own policy",
    "keyPolicy": "the policy of the KMS key that encrypts the bucket",
    "organisation": "a rule of the AWS organisation that the account belongs to",
    "vpcEndpoint": "the policy of the VPC endpoint on the way to AWS",
}


class ShownCheck(Protocol):
    """A check, of the client library or of the domain."""

    @property
    def name(self) -> str: ...
    @property
    def claim(self) -> str: ...
    @property
    def outcome(self) -> str: ...
    @property
    def cause(self) -> str | None: ...
    @property
    def fix(self) -> str | None: ...
    @property
    def aws_error(self) -> str | None: ...
    @property
    def subject(self) -> str | None: ...
    @property
    def layer(self) -> str | None: ...
    @property
    def advisory(self) -> bool: ...


def show_checks(console: Console, checks: Sequence[ShownCheck]) -> None:
    """Show a line for each check, then what to do about the first that failed, and advice."""
    shown = Table(box=None, pad_edge=False, show_header=False)
    shown.add_column(no_wrap=True)
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    subject = ""
    for check in checks:
        if (check.subject or "") != subject:
            subject = check.subject or ""
            shown.add_row("", "", f"[bold]{escape(_about(subject))}[/]")
        shown.add_row(_mark(check), escape(check.name), _line(check))
    console.print(shown)
    needed = [check for check in checks if not check.advisory]
    _instructions(console, [check for check in needed if check.outcome == "failed"])
    for check in needed:
        if check.outcome == "unknown":
            _problem(console, f"Not known: {check.claim}", check)
    for check in checks:
        if check.advisory and check.outcome == "failed":
            _problem(console, f"Worth knowing: {_not(check.claim)}", check)
    if needed and all(check.outcome in {"passed", "skipped"} for check in needed):
        console.print("\nEverything that is needed works.")


def _about(subject: str) -> str:
    """Return in words what ``location:training-data`` is."""
    kind, _, name = subject.rpartition(":")
    return f"the {kind or 'location'} {name}"


def _mark(check: ShownCheck) -> str:
    if check.advisory and check.outcome == "failed":
        return _NOTE
    return _MARKS.get(check.outcome, escape(check.outcome))


def _line(check: ShownCheck) -> str:
    reason = f" [dim]({escape(check.cause or '')})[/]" if check.outcome == "skipped" else ""
    return escape(check.claim) + reason


def _instructions(console: Console, failed: Sequence[ShownCheck]) -> None:
    if not failed:
        return
    _problem(console, f"To fix first: {failed[0].name}", failed[0])
    for check in failed[1:]:
        _problem(console, f"Then: {check.name}", check)


def _problem(console: Console, title: str, check: ShownCheck) -> None:
    about = f" ({_about(check.subject)})" if check.subject else ""
    console.print(f"\n[bold]{escape(title + about)}[/]", soft_wrap=True, highlight=False)
    for label, text in _facts(check):
        console.print(f"  {label}: {escape(text)}", soft_wrap=True, highlight=False)
    if check.fix:
        console.print("  What to do:", highlight=False)
        # Exactly as it is to be pasted: neither folded nor indented nor coloured.
        console.print(check.fix, markup=False, soft_wrap=True, highlight=False)


def _facts(check: ShownCheck) -> Iterable[tuple[str, str]]:
    if check.cause:
        yield "Why", check.cause
    if check.layer:
        yield "Who refuses", _LAYERS.get(check.layer, check.layer)
    if check.aws_error:
        yield "AWS said", check.aws_error


def _not(claim: str) -> str:
    return f"this does not hold: {claim}"
