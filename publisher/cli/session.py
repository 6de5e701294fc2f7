"""What every command takes (``--root --data --json --lang``), and how it speaks and ends."""

import asyncio
import functools
import inspect
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Concatenate, NoReturn, ParamSpec, TypeVar, get_args

import orjson
import structlog
import typer

from publisher import log
from publisher.errors import PublisherError, UsageError, answer_to
from publisher.messages import Language
from publisher.messages.labels import label
from publisher.settings import Settings, load_settings

P = ParamSpec("P")
T = TypeVar("T")
logger = structlog.get_logger(__name__)

Root = Annotated[
    Path | None,
    typer.Option(help="Folder that holds catalog/ and schemas/ (default: here).", metavar="DIR"),
]
Data = Annotated[
    Path | None,
    typer.Option(help="Folder of all state (default: ./data, or PUBLISHER_DATA).", metavar="DIR"),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Lang = Annotated[
    str | None, typer.Option(help="Language of what is printed: en or da.", metavar="en|da")
]


@dataclass(frozen=True, slots=True)
class Common:
    """The options of all commands; they may stand before and after the command's name."""

    root: Path | None = None
    data: Path | None = None
    json: bool = False
    lang: str | None = None

    def over(self, outer: "Common") -> "Common":
        """Fill in from those before the name what was not stated after it."""
        return Common(
            root=self.root if self.root is not None else outer.root,
            data=self.data if self.data is not None else outer.data,
            json=self.json or outer.json,
            lang=self.lang or outer.lang,
        )


class Session:
    """One command's run: its settings, its language, and whether it speaks JSON."""

    def __init__(self, common: Common) -> None:
        self.common = common
        self.json = common.json

    @functools.cached_property
    def settings(self) -> Settings:
        """Raise ConfigurationError, UsageError for a language that there is none of."""
        lang = self.common.lang
        if lang is not None and lang not in get_args(Language):
            raise UsageError("unknown-language", language=lang)
        return load_settings(root=self.common.root, data=self.common.data, language=lang)

    def settings_with(self, **stated: Any) -> Settings:
        """Give the settings with a command's own on top."""
        given = {name: value for name, value in stated.items() if value is not None}
        own = self.settings.model_dump(include=self.settings.model_fields_set)
        return load_settings(**{**own, **given})

    @functools.cached_property
    def language(self) -> Language:
        stated = self.common.lang or os.environ.get("PUBLISHER_LANGUAGE")
        try:
            return self.settings.language
        except PublisherError:
            return "da" if stated == "da" else "en"

    @property
    def log_level(self) -> str:
        """A command that ends is quiet where no level was asked for."""
        stated = "log_level" in self.settings.model_fields_set
        return self.settings.log_level if stated else "warning"

    def label(self, name: str, **params: object) -> str:
        return label(name, self.language, **params)

    def print_json(self, document: object) -> None:
        sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """Say *text* where it disturbs no output."""
        sys.stderr.write(text + "\n")

    def refuse(self, error: PublisherError) -> None:
        """Say what is wrong and what to do about it."""
        message, remedy = error.message(self.language), error.remedy(self.language)
        self.note(f"{self.label('error')}: {message}")
        if remedy:
            self.note(f"{self.label('remedy')}: {remedy}")
        if self.json:
            told = {"code": error.code, "message": message, "remedy": remedy}
            self.print_json({"problems": [told]})

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run *work* on an event loop; SIGTERM ends it as Ctrl-C does."""

        async def main() -> T:
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - asyncio runs this as a task
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
            return await work

        try:
            return asyncio.run(main())
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None


def command(
    function: Callable[Concatenate[Session, P], int | None],
) -> Callable[..., None]:
    """Make *function* a command: the common options are added, its failures told.

    What it returns is the exit code (None: 0).
    """
    own = inspect.signature(function, eval_str=True)

    @functools.wraps(function)
    def run(context: typer.Context, **given: Any) -> None:
        stated = Common(given.pop("root"), given.pop("data"), given.pop("json"), given.pop("lang"))
        session = Session(stated.over(_outer(context)))
        leave(session, lambda: function(session, **given))  # type: ignore[call-arg]

    common = inspect.signature(_common).parameters
    mine = list(own.parameters.values())[1:]
    first = inspect.Parameter(
        "context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
    )
    keyword = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in [*mine, *common.values()]]
    run.__signature__ = own.replace(parameters=[first, *keyword], return_annotation=None)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in [first, *keyword]}
    return run


def group(
    context: typer.Context,
    root: Root = None,
    data: Data = None,
    json: Json = False,
    lang: Lang = None,
) -> None:
    context.obj = Common(root, data, json, lang).over(_outer(context))


def leave(session: Session, work: Callable[[], int | None]) -> NoReturn:
    """Do *work* and end the process with its exit code, telling failures in plain words."""
    try:
        try:
            log.configure(session.log_level)
            code = work() or 0
            sys.stdout.flush()
        except PublisherError as error:
            session.refuse(error)
            code = answer_to(error).exit_code
        except KeyboardInterrupt:
            session.note(session.label("interrupted"))
            code = 130
        except BrokenPipeError:
            raise
        except Exception as error:
            logger.exception("command broke")
            session.refuse(PublisherError("unexpected", reason=type(error).__name__))
            code = 1
    except BrokenPipeError:  # whoever read our output has gone: nothing is left to be said
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    raise typer.Exit(code)


def _common(root: Root = None, data: Data = None, json: Json = False, lang: Lang = None) -> None:
    """Only its signature is of interest."""


def _outer(context: typer.Context) -> Common:
    found = context.obj
    return found if isinstance(found, Common) else Common()
