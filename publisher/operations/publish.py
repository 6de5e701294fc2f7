"""``publisher publish``: bring targets up to date, now."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from publisher.model.base import Model
from publisher.operations import select
from publisher.operations.base import (
    Answer,
    Context,
    Operation,
    Progress,
    Told,
    exit_code_of,
    first_that_applies,
)

if TYPE_CHECKING:
    from publisher.app import Service
    from publisher.targets.base import PublishResult


class Params(Model):
    datasets: tuple[str, ...] = ()
    all: bool = False
    target: str | None = None
    """Only this one of the datasets' targets."""
    dry_run: bool = False
    thorough: bool = False
    """Compare every row, as a dry run does."""


class Change(Model):
    what: str
    before: Any = None
    after: Any = None


class Publication(Model):
    """What came of one dataset at one target."""

    dataset: str
    target: str
    outcome: str
    versions: Mapping[str, int] = {}
    changes: tuple[Change, ...] = ()
    problem: Told | None = None
    notices: tuple[Told, ...] = ()
    """What the target does not take; all else is there."""

    @classmethod
    def of(cls, result: "PublishResult", context: Context) -> "Publication":
        return cls(
            dataset=result.dataset,
            target=result.target,
            outcome=result.outcome,
            versions=dict(result.versions),
            changes=tuple(
                Change(what=change.what, before=change.before, after=change.after)
                for change in result.changes
            ),
            problem=context.told(result.problem) if result.problem else None,
            notices=tuple(context.told(notice) for notice in result.notices),
        )


class Published(Answer):
    published: tuple[Publication, ...]
    dry_run: bool

    @property
    def exit_code(self) -> int:
        codes = {exit_code_of(line.outcome, line.problem) for line in self.published}
        return first_that_applies(codes | {super().exit_code})


async def _publish(service: "Service", params: Params, context: Context) -> Published:
    await service.reload()
    catalog = service.catalog
    if params.target is not None and params.target not in catalog.targets:
        raise select.nearest(
            "unknown-target", params.target, catalog.targets, {"target": params.target}
        )
    wanted, problems = select.datasets(service, params.datasets, everything=params.all)
    lines = []
    for dataset in wanted:
        context.emit(Progress(task=dataset.name))
        results = await service.outbox.publish(
            dataset.name,
            target=params.target,
            dry_run=params.dry_run,
            thorough=params.thorough,
            told=partial(_tell, context, dataset.name),
        )
        lines += [Publication.of(result, context) for result in results]
        context.emit(Progress(task=dataset.name, done=True))
    return Published(
        published=tuple(lines),
        dry_run=params.dry_run,
        problems=tuple(context.told(problem) for problem in problems),
    )


def _tell(context: Context, dataset: str, rows: int) -> None:
    context.emit(Progress(task=dataset, rows=rows))


PUBLISH = Operation(Params, Published, _publish)
