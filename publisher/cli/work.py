"""Commands that need the store: one way for all of them."""

import sys
from typing import Any

from publisher import control
from publisher.cli.progress import shown
from publisher.cli.session import Session
from publisher.control.protocol import Request
from publisher.operations import OPERATIONS, Answer


def perform(session: Session, name: str, params: dict[str, Any]) -> int:
    """Have the operation *name* done and its answer printed; give the exit code."""
    results: list[control.Result] = []
    settings = session.settings
    terminal = sys.stderr.isatty()

    def answered(result: control.Result) -> None:
        results.append(result)
        bars.close()
        if session.json:
            session.print_json(result.answer)
        else:
            from publisher.cli.render import SHOWN  # noqa: PLC0415 - loaded where a person reads

            answer: Answer = OPERATIONS[name].answer.model_validate(result.answer)
            SHOWN[name](session, answer)
            for problem in answer.problems:
                session.note(f"{session.label('error')}: {problem.message}")
                if problem.remedy:
                    session.note(f"{session.label('remedy')}: {problem.remedy}")
        sys.stdout.flush()

    def begun(place: control.Place) -> None:
        session.stopping = f"stopping-{place}"

    with shown(terminal=terminal) as bars:
        session.run(
            control.perform(
                settings,
                Request(operation=name, params=params, language=session.language),
                log_level=session.log_level,
                emit=bars.show,
                answered=answered,
                begun=begun,
                notice=lambda what: session.note(session.label(what, data=settings.data)),
            )
        )
    return results[0].exit
