"""What the demo tells: numbered steps, what happened in each, and whether it had to be so."""

from __future__ import annotations

from dataclasses import dataclass, field

from valetkey.cli import show


class Unexpected(Exception):  # named for what happened, as all errors here
    """Something in the demo was not as it must be; has the shape of ``Explained``."""

    code = "demo_failed"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = "That is a mistake in Valetkey: please report it."


@dataclass(slots=True)
class Chapter:
    """A step and what happened in it."""

    title: str
    lines: list[str] = field(default_factory=list)


class Story:
    """Prints as it goes; with ``quiet`` it only remembers."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self.chapters: list[Chapter] = []

    def chapter(self, title: str) -> None:
        """Begin the next step."""
        self.chapters.append(Chapter(title))
        if not self._quiet:
            show.output().print(
                f"\n[bold]{len(self.chapters):2}. {title}[/]", highlight=False, soft_wrap=True
            )

    def tell(self, line: str, *, mark: str = "ok") -> None:
        """Say something that happened in it."""
        self.chapters[-1].lines.append(line)
        if not self._quiet:
            style = "yellow" if mark == "no" else "green"
            show.output().print(f"    [{style}]{mark}[/] ", end="")
            show.write(line)

    def require(self, holds: bool, claim: str, otherwise: str) -> None:
        """Say a claim that holds. Raises Unexpected, with what is so instead, if it doesn't."""
        if not holds:
            raise Unexpected(f"It should be so that: {claim} But: {otherwise}")
        self.tell(claim)
