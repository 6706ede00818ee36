"""What is wrong with a command's words: what happened, and what to write instead."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import singledispatch
from typing import Literal, get_args, get_origin

from cyclopts.exceptions import (
    CoercionError,
    CycloptsError,
    MissingArgumentError,
    RepeatArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
    ValidationError,
)

from valetkey.cli.program import app


def explain_usage(error: CycloptsError) -> tuple[str, str]:
    """Return a sentence, and a hint."""
    command = " ".join([*app.name, *(error.command_chain or ())])
    message, hint = _sentences(error, command)
    return message, f"{hint} See '{command} --help'.".lstrip()


@singledispatch
def _sentences(_: CycloptsError, command: str) -> tuple[str, str]:
    return f"The words after '{command}' can't be read.", "Write each option on its own."


@_sentences.register
def _(error: UnknownCommandError, command: str) -> tuple[str, str]:
    # Not the library's own text: to suggest something, it would import every command.
    word = error.unused_tokens[0] if error.unused_tokens else ""
    names = list(app if error.app is None else error.app)
    if word.startswith("-"):
        return _no_option(word, names, command)
    return f"There is no command '{command} {word}'.", _suggestion(word, names, f"{command} ")


@_sentences.register
def _(error: UnknownOptionError, command: str) -> tuple[str, str]:
    names = [name for each in error.argument_collection for name in each.names]
    return _no_option(error.token.keyword or error.token.value, names, command)


@_sentences.register
def _(error: MissingArgumentError, command: str) -> tuple[str, str]:
    wanted, given = error.argument, error.keyword
    assert wanted is not None  # noqa: S101  # what else would be missing?
    misspelt = [each for each in error.unused_tokens or () if each.startswith("-")]
    if given:
        return f"{given} stands there without a value.", f"Write '{given} VALUE'."
    if misspelt:
        return _no_option(misspelt[0], wanted.names, command)
    word = f"{wanted.name} VALUE" if wanted.name.startswith("-") else wanted.name
    return f"'{command}' needs {wanted.name}.", f"Add {word}. {wanted.parameter.help or ''}".strip()


@_sentences.register
def _(error: CoercionError, _command: str) -> tuple[str, str]:
    name, value = _named(error), error.token.value if error.token else ""
    if get_origin(error.target_type) is Literal:
        choices = list(map(str, get_args(error.target_type)))
        return f"{name} is none of {', '.join(choices)}: {value!r}.", _suggestion(value, choices)
    if error.target_type is bool:
        return f"{name} takes no value, and has {value!r}.", f"Write '{name}' alone."
    kind = "a whole number" if error.target_type is int else "what belongs there"
    return f"{name} is not {kind}: {value!r}.", ""


@_sentences.register
def _(error: ValidationError, _command: str) -> tuple[str, str]:
    value = error.argument.value if error.argument else error.value
    return f"{_named(error)} can't be {value}.", error.exception_message


@_sentences.register
def _(error: RepeatArgumentError, _command: str) -> tuple[str, str]:
    return f"{error.token.keyword} stands there more than once.", "Write it once."


@_sentences.register
def _(error: UnusedCliTokensError, command: str) -> tuple[str, str]:
    words = ", ".join(map(repr, error.unused_tokens or ()))
    return f"'{command}' has no place for {words}.", "A value with spaces needs quotes."


def _no_option(word: str, names: Iterable[str], command: str) -> tuple[str, str]:
    options = [name for name in names if name.startswith("-")]
    return f"'{command}' has no option '{word}'.", _suggestion(word, options)


def _suggestion(word: str, names: Iterable[str], before: str = "") -> str:
    near = difflib.get_close_matches(word, list(names), n=1)
    return f"Did you mean '{before}{near[0]}'?" if near else ""


def _named(error: CoercionError | ValidationError) -> str:
    """Return what a value was given for, as it was written."""
    tokens = error.argument.tokens if error.argument else ()
    written = next((each.keyword for each in tokens if each.keyword), "")
    return written or (error.argument.name if error.argument else "A value")
