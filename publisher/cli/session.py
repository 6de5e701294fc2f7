"""What every command takes (``--root --data --json --lang``), and how it speaks and ends."""

import contextlib
import functools
import inspect
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, ParamSpec, TypeVar, cast, get_args

import orjson
import typer

from publisher.cli.group import named
from publisher.cli.interrupt import EXIT_CODE, INTERRUPTS, break_off
from publisher.errors import PublisherError, UsageError, answer_to
from publisher.messages import Language
from publisher.messages.labels import label

if TYPE_CHECKING:  # loaded by the commands that read settings
    from publisher.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")


def _known(lang: str | None) -> str | None:
    if lang is not None and lang not in get_args(Language):
        raise UsageError("unknown-language", language=lang)
    return lang


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
    str | None,
    typer.Option(help="Language of what is printed: en or da.", metavar="en|da", callback=_known),
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
        self.stopping: str | None = None
        """The label of what is said when the work is asked to stop and cannot at once."""
        self._printed = False

    @functools.cached_property
    def settings(self) -> "Settings":
        """Raise ConfigurationError where one is wrong."""
        # Loading what reads them takes longer than all else of a small command.
        from publisher.settings import load_settings  # noqa: PLC0415

        stated = self.common
        return load_settings(root=stated.root, data=stated.data, language=stated.lang)

    def settings_with(self, **stated: Any) -> "Settings":
        """Give the settings with a command's own on top."""
        from publisher.settings import load_settings  # noqa: PLC0415

        given = {name: value for name, value in stated.items() if value is not None}
        own = self.settings.model_dump(include=self.settings.model_fields_set)
        return load_settings(**{**own, **given})

    # Two settings are wanted by commands that need none of the others: as long as no file
    # states any, they are taken from where the settings would take them.

    @functools.cached_property
    def root(self) -> Path:
        """The setting ``root``."""
        return self.settings.root if self._file else self._place

    @functools.cached_property
    def language(self) -> Language:
        """The setting ``language``; English where the settings are wrong."""
        stated = self.common.lang or _environment("language")
        if stated not in get_args(Language):
            try:
                stated = self.settings.language if self._file else "en"
            except PublisherError:
                stated = "en"
        return cast("Language", stated)

    @property
    def _place(self) -> Path:
        return self.common.root or Path(_environment("root") or "")

    @property
    def _file(self) -> bool:
        return os.path.isfile(self._place / "publisher.toml")  # noqa: PTH113 - False if it is barred

    @property
    def log_level(self) -> str:
        """A command that ends is quiet where no level was asked for."""
        stated = "log_level" in self.settings.model_fields_set
        return self.settings.log_level if stated else "warning"

    def label(self, name: str, **params: object) -> str:
        return label(name, self.language, **params)

    def print_json(self, document: object) -> None:
        self._printed = True
        sys.stdout.buffer.write(_json(document))
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
            self.print_json(self._problem(error))

    def interrupted(self) -> int:
        """Say that the command did not come to its end; give the exit code of that."""
        self.note(self.label("interrupted"))
        if self.json and not self._printed:
            self.print_json(self._problem(PublisherError("interrupted")))
        return EXIT_CODE

    def last_words(self) -> None:
        """Say the same in the midst of anything: nothing buffered is touched."""
        told = self._problem(PublisherError("interrupted"))
        # On a terminal the line of progress goes, and the cursor that it hid comes back.
        clear = "\r\x1b[K\x1b[?25h" if os.isatty(2) else ""
        os.write(2, f"{clear}{self.label('interrupted')}\n".encode())
        if self.json and not self._printed:
            os.write(1, _json(told))

    def _problem(self, error: PublisherError) -> dict[str, Any]:
        message, remedy = error.message(self.language), error.remedy(self.language)
        return {"problems": [{"code": error.code, "message": message, "remedy": remedy}]}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run *work* on an event loop; Ctrl-C and SIGTERM cancel it."""
        import asyncio  # noqa: PLC0415 - most that `validate` would load here

        async def main() -> T:
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - asyncio runs this as a task

            loop = asyncio.get_running_loop()

            def say_and_cancel() -> None:
                if self.stopping is not None:
                    self.note(self.label(self.stopping))
                task.cancel()

            def stop() -> None:
                loop.call_soon_threadsafe(say_and_cancel)

            INTERRUPTS.stop_by(stop)
            signal.signal(signal.SIGTERM, INTERRUPTS.hear)
            try:
                return await work
            finally:
                INTERRUPTS.stop_by(None)

        INTERRUPTS.stop_by(None)  # what comes before the loop can take it is kept
        try:
            return asyncio.run(main())
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None


def command(
    function: Callable[Concatenate[Session, P], int | None],
) -> Callable[..., int]:
    """Make *function* a command: the common options are added, its failures told.

    What it returns is the exit code (None: 0).
    """
    own = inspect.signature(function, eval_str=True)

    @functools.wraps(function)
    def run(context: typer.Context, **given: Any) -> int:
        stated = Common(given.pop("root"), given.pop("data"), given.pop("json"), given.pop("lang"))
        session = Session(stated.over(_outer(context)))

        def work() -> int | None:
            INTERRUPTS.stop_by(break_off)
            return function(session, **given)  # type: ignore[call-arg]

        return leave(session, work)

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
    """Keep the common options that stand before the name of one of the group's commands."""
    context.obj = Common(root, data, json, lang).over(_outer(context))
    named(context)


def leave(session: Session, work: Callable[[], int | None]) -> int:
    """Do *work* and give the exit code, telling failures in plain words."""
    INTERRUPTS.last_words = session.last_words
    try:
        return _tried(session, work)
    except BrokenPipeError:  # whoever read our output has gone: nothing is left to be said
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _tried(session: Session, work: Callable[[], int | None]) -> int:
    try:
        code = work() or 0
        sys.stdout.flush()
    except PublisherError as error:
        session.refuse(error)
        return answer_to(error).exit_code
    except KeyboardInterrupt:
        return session.interrupted()
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - it is logged, but for what Ctrl-C broke off
        if INTERRUPTS.asked:  # what is broken off while it is loaded fails in any way
            return session.interrupted()
        _log_broken(session)
        session.refuse(PublisherError("unexpected", reason=type(error).__name__))
        return 1
    return code


def _log_broken(session: Session) -> None:
    """Log the exception that is being handled."""
    import structlog  # noqa: PLC0415 - most commands come to their end without a line

    from publisher import log  # noqa: PLC0415

    with contextlib.suppress(PublisherError):  # of wrong settings
        log.configure(session.log_level)
    structlog.get_logger(__name__).exception("command broke")


def _json(document: object) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"


def _environment(setting: str) -> str | None:
    """Give what the environment states for *setting*; as ever, in letters of any case."""
    name = f"PUBLISHER_{setting}".lower()
    return next((value for key, value in os.environ.items() if key.lower() == name), None)


def _common(root: Root = None, data: Data = None, json: Json = False, lang: Lang = None) -> None:
    """Only its signature is of interest."""


def _outer(context: typer.Context) -> Common:
    found = context.obj
    return found if isinstance(found, Common) else Common()
