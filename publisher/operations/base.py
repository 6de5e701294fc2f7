"""What an operation is: its parameters, its answer, and how it tells of its progress."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from publisher.errors import CONFIGURATION_CODES, PublisherError
from publisher.messages import Language, render, spell
from publisher.model.base import Model
from publisher.model.run import Problem, RuleCount

if TYPE_CHECKING:  # a command that asks a running service never loads what the service needs
    from publisher.app import Service


class Progress(Model):
    """How far one part of an operation is."""

    event: Literal["progress"] = "progress"
    task: str
    """What is being done: a table, a dataset, a file."""
    rows: int = 0
    """Rows dealt with so far."""
    done: bool = False


class Told(Model):
    """A problem as a person reads it, in the language that was asked for."""

    code: str
    message: str
    remedy: str = ""
    params: Mapping[str, Any] = {}
    problems: tuple["Told", ...] = ()
    """Each by itself, where several are told together."""

    @classmethod
    def of(cls, problem: Problem | PublisherError, language: Language) -> "Told":
        if isinstance(problem, PublisherError):
            problem = Problem.of(problem)
        message, remedy = render(problem.code, problem.params, language)
        return cls(
            code=problem.code,
            message=message,
            remedy=remedy,
            params={name: _plain(spell(it, language)) for name, it in problem.params.items()},
            problems=tuple(cls.of(part, language) for part in problem.parts),
        )


class Finding(Model):
    """How often a rule was broken in one field, and in which rows first."""

    rule: str
    field: str | None
    count: int
    rows: tuple[int, ...] = ()

    @classmethod
    def of(cls, found: RuleCount) -> "Finding":
        return cls(rule=found.rule, field=found.field, count=found.count, rows=found.rows)


class Answer(Model):
    """What an operation answers: with ``--json`` it is the document that is printed."""

    problems: tuple[Told, ...] = ()
    """What kept parts of the command from being run: unknown names, broken files."""

    @property
    def exit_code(self) -> int:
        """Of the command: the first that applies of 2, 1, 3, 0."""
        return first_that_applies([2] if self.problems else [])


def exit_code_of(outcome: str, problem: Told | None) -> int:
    """Give the exit code of what came of one table, or of one dataset at one target."""
    if outcome == "failed" and problem is not None and problem.code in CONFIGURATION_CODES:
        return 2
    return {"failed": 1, "interrupted": 1, "held": 3}.get(outcome, 0)


def first_that_applies(codes: Collection[int]) -> int:
    return next((code for code in (2, 1, 3) if code in codes), 0)


@dataclass(frozen=True, slots=True)
class Context:
    """Who asks, and how to tell them of progress (from any thread)."""

    language: Language
    emit: Callable[[Progress], None]

    def told(self, problem: Problem | PublisherError) -> Told:
        return Told.of(problem, self.language)


@dataclass(frozen=True, slots=True)
class Operation:
    params: type[Model]
    answer: type[Answer]
    run: Callable[["Service", Any, Context], Awaitable[Answer]]
    """Takes an instance of ``params``, gives one of ``answer``; raises PublisherError."""
    repeatable: bool = True
    """May be begun again when the process that did it died: what is done stays done."""


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
