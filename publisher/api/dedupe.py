"""Which of the tables that a question means are asked: what they came from, put together."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from publisher.api.origins import addresses_of, stated_origin, told_by
from publisher.api.parts import Call, Parts
from publisher.errors import ParameterError
from publisher.model.catalog import TableEntry
from publisher.model.dataset import HttpSource
from publisher.model.query import LOCAL
from publisher.model.schema import Schema
from publisher.model.values import TableRef
from publisher.partners import Origin, Remote, Status, read_origin, told_of
from publisher.query.federated import Federated, Name, members_of
from publisher.query.origins import Candidate, Chosen, Link, choose
from publisher.query.rows import bad_cursor


class Choice:
    """The tables that are meant, of which copies are left out as long as others answer."""

    def __init__(
        self,
        call: Call,
        entries: Sequence[TableEntry],
        remotes: Sequence[Remote] = (),
        failed: Sequence[Status] = (),
    ) -> None:
        """Choose from our tables and partners'; *failed* were not found. Raises ParameterError."""
        stated = dict(call.pairs)
        self._before = Chosen()
        self._kept: set[str] = set()
        if "cursor" in stated:
            self._before = _chosen_before(call, stated["cursor"])
            entries = [it for it in entries if str(it.ref) not in self._before.copies]
            self._kept = {str(it.ref) for it in entries}
            names = members_of(call.signer, stated["cursor"])
            self._kept |= {f"{ref}@{partner}" for partner, ref in names if ref is not None}
        self._entries, self._remotes, self._failed = entries, remotes, failed
        self._links = _Links(call.parts)
        self._candidates: list[Candidate] = []
        self._lost: set[str] = set()
        self._replaced: frozenset[str] = frozenset()
        self.gone: list[Status] = []
        """Those that failed when they were asked, and that others are asked instead of."""
        if stated.get("dedupe") != "off":
            self._candidates += map(self._links.ours, entries)
            self._candidates += map(self._links.theirs, remotes)
            known = {it.name for it in self._candidates}
            unknown = [it for status in failed for it in self._links.unknown(status)]
            self._candidates += {it.name: it for it in unknown if it.name not in known}.values()
            self._lost |= {it.name for it in unknown} - known
        self._now = self._chosen()

    @property
    def chosen(self) -> Chosen:
        """What is left out by now, and was on the pages before."""
        before, now = self._before, self._now
        return replace(
            now, copies={**before.copies, **now.copies}, instead={**before.instead, **now.instead}
        )

    @property
    def entries(self) -> list[TableEntry]:
        """Our tables that are asked."""
        return [it for it in self._entries if str(it.ref) not in self._now.copies]

    @property
    def remotes(self) -> list[Remote]:
        """Partners' tables that are asked."""
        out = self._now.copies.keys() | self._replaced
        return [it for it in self._remotes if it.name not in out]

    @property
    def missing(self) -> list[Name]:
        """Those that are looked for again on a later page."""
        named = [(it.source, it.table, f"{it.table}@{it.source}") for it in self._failed]
        return [(source, ref) for source, ref, name in named if name not in self._replaced]

    def lose(self, ready: Federated, statuses: Sequence[Status]) -> bool:
        """Take note of who failed; tells whether others are to be asked instead by now."""
        failed = [it for it in statuses if it.fetched is None]
        failed += [_unfit(remote, error) for remote, error in ready.unfit]
        names = {f"{it.table}@{it.source}": it for it in failed}
        before, replaced = self._asked, self._replaced
        self._lost |= names.keys()
        self._now = self._chosen()
        self.gone += [names[it] for it in sorted(self._replaced - replaced)]
        return not self._asked <= before

    @property
    def _asked(self) -> set[str]:
        return {str(it.ref) for it in self.entries} | {it.name for it in self.remotes}

    def _chosen(self) -> Chosen:
        found = choose(self._candidates, self._links.found, lost=self._lost, kept=self._kept)
        # Whoever stood in and failed as well is waited for, rather than both
        self._replaced |= found.replaced
        return found


def has_copies(call: Call, entries: Sequence[TableEntry]) -> bool:
    """Tell whether some of our own tables are copies of others of them."""
    if len(entries) < 2 or dict(call.pairs).get("dedupe") == "off":
        return False
    links = _Links(call.parts)
    candidates = [links.ours(it) for it in entries]
    return bool(links.found) and bool(choose(candidates, links.found).copies)


def _unfit(remote: Remote, error: ParameterError) -> Status:
    return Status(remote.partner, remote.ref, "failed", problem=error)


def _chosen_before(call: Call, cursor: str) -> Chosen:
    """Give what was left out of the page before: as with its members, it is believed later."""
    try:
        return Chosen.read(call.signer.peek(cursor)[5])
    except (TypeError, ValueError, IndexError, KeyError):
        raise bad_cursor() from None


class _Links:
    """What tables came from, and those again, as far as it is known."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._addresses = addresses_of(parts)
        self._whose: dict[str, Name] = {}
        """Of the keys of tables that others came from."""
        self.found: dict[str, Link] = {}

    def ours(self, entry: TableEntry) -> Candidate:
        key = self._addresses.key(LOCAL, entry.ref)
        self._follow(key, stated_origin(entry, self._addresses), _part(entry))
        return Candidate(str(entry.ref), key, _schema(entry.schema), local=True)

    def theirs(self, remote: Remote) -> Candidate:
        key = self._addresses.key(remote.partner, remote.ref)
        self._follow(key, remote.origin)
        return Candidate(remote.name, key, _schema(remote.schema))

    def unknown(self, status: Status) -> Iterator[Candidate]:
        """Give the tables that were not found: the one meant, or those that others came from."""
        if status.table is not None:
            key = self._addresses.key(status.source, status.table)
            yield Candidate(f"{status.table}@{status.source}", key)
            return
        for key, (source, ref) in self._whose.items():
            if source == status.source:
                yield Candidate(f"{ref}@{source}", key)

    def _follow(self, key: str, origin: Origin | None, part: str = "") -> None:
        while origin is not None and key not in self.found:
            here = self._addresses.trace(origin)
            if here is None or here.key is None:
                return
            # Of what part another takes nothing is known: it is none but its own
            self.found[key] = Link(
                here.key, part or ("" if origin.whole else key), here.source is not None
            )
            if here.source is not None and here.dataset is not None and here.table is not None:
                self._whose[here.key] = (here.source, TableRef(here.dataset, here.table))
            key, part = here.key, ""
            origin = told_of(here, lambda *table: told_by(self._parts, *table))


def _schema(of: Schema) -> str:
    return f"{of.name}@{of.major}"


def _part(entry: TableEntry) -> str:
    """Say what of its origin our table takes: by the address, and by what stands for a column."""
    harvest = entry.harvest
    if harvest is None or not isinstance(harvest.source, HttpSource):
        return ""
    origin = read_origin(harvest.source.url)
    constants = {
        name: view.constant
        for name, view in sorted(harvest.fields.items())
        if "constant" in view.model_fields_set
    }
    narrowed = origin is not None and not origin.whole
    return f"{harvest.source.url if narrowed else ''}{constants or ''}"
