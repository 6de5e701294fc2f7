"""What the service does, in numbers, as Prometheus reads them.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/ , or OpenMetrics where it
is asked for. No label holds more than public names, outcomes and codes; drafts do not show.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aiohttp import web
from prometheus_client import CollectorRegistry, Metric, exposition
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from publisher.api.negotiation import NEVER
from publisher.api.parts import Call
from publisher.model.values import TableRef
from publisher.targets.due import completed, standing

if TYPE_CHECKING:
    from publisher.engine import Connection
    from publisher.model.table import TableState
    from publisher.store import Published

_PREFIX = "publisher"


async def get_metrics(call: Call) -> web.Response:
    parts = call.parts

    def look(con: "Connection") -> "_Known":
        return _Known(
            parts.store.states(con),
            parts.store.publications(con),
            parts.store.waiting(con),
            parts.store.last_reads(con),
        )

    known = await call.read(look)
    registry = CollectorRegistry()
    for kind in (ProcessCollector, PlatformCollector, GCCollector):
        kind(registry=registry)
    registry.register(_Collector(call, known))
    write, media_type = exposition.choose_encoder(call.request.headers.get("Accept", ""))
    return web.Response(
        body=write(registry), headers={"Content-Type": media_type, "Cache-Control": NEVER}
    )


class _Known:
    def __init__(
        self,
        states: Mapping[TableRef, "TableState"],
        publications: Mapping[tuple[str, str], "Published"],
        waiting: Mapping[TableRef, int],
        reads: Mapping[TableRef, datetime],
    ) -> None:
        self.states = states
        self.publications = publications
        self.waiting = waiting
        self.reads = reads


class _Collector(Collector):
    def __init__(self, call: Call, known: _Known) -> None:
        self._catalog = call.catalog
        self._outbox = call.parts.outbox
        self._known = known
        self._now = datetime.now(UTC)

    def collect(self) -> Iterable[Metric]:
        yield from self._tables()
        yield from self._targets()
        yield from self._tallies()

    def _tables(self) -> Iterator[Metric]:
        labels = ("dataset", "table")
        rows = _gauge("table_rows", "Rows of the newest version.", labels)
        version = _gauge("table_version", "The newest version.", labels)
        lag = _gauge("table_lag_seconds", "Since the source was last read in full.", labels)
        waiting = _gauge("table_quarantined_rows", "Rows in quarantine.", labels)
        for ref in self._catalog.entries:
            if not self._catalog.datasets[ref.dataset].public:
                continue
            state = self._known.states.get(ref)
            if state is not None:
                rows.add_metric(ref, state.rows)
                version.add_metric(ref, state.version)
            if ref in self._known.reads:
                lag.add_metric(ref, (self._now - self._known.reads[ref]).total_seconds())
            waiting.add_metric(ref, self._known.waiting.get(ref, 0))
        yield from (rows, version, lag, waiting)

    def _targets(self) -> Iterator[Metric]:
        counted: Counter[tuple[str, str]] = Counter()
        oldest: dict[str, float] = {}
        for name, dataset in self._catalog.datasets.items():
            refs = [entry.ref for entry in self._catalog.tables(name)]
            states = {
                ref.table: self._known.states[ref] for ref in refs if ref in self._known.states
            }
            for target in dataset.targets if states else ():
                published = self._known.publications.get((name, target))
                versions = {table: state.version for table, state in states.items()}
                counted[target, standing(published, versions)] += 1
                last = completed(published)
                held = dict(last.versions) if last else {}
                for table, state in states.items():
                    if held.get(table) == state.version:
                        continue
                    age = (self._now - state.committed_at).total_seconds()
                    oldest[target] = max(oldest.get(target, 0), age)
        datasets = _gauge("target_datasets", "Public datasets by state.", ("target", "state"))
        for place, count in sorted(counted.items()):
            datasets.add_metric(place, count)
        behind = _gauge(
            "target_oldest_unpublished_seconds", "Age of the oldest version not there.", ("target",)
        )
        for target in sorted({target for target, _ in counted}):
            behind.add_metric((target,), oldest.get(target, 0))
        yield from (datasets, behind)

    def _tallies(self) -> Iterator[Metric]:
        if self._outbox is None:
            return
        rows = _counter("target_rows_sent", "Rows sent.", ("target",))
        seconds = _counter("target_send_seconds", "Time in which rows were sent.", ("target",))
        outcomes = _counter(
            "target_publications", "Publications by outcome.", ("target", "outcome")
        )
        problems = _counter("target_failures", "Failures by code.", ("target", "code"))
        for target, tally in sorted(self._outbox.tallies.items()):
            rows.add_metric((target,), tally.rows)
            seconds.add_metric((target,), tally.seconds)
            for outcome, count in sorted(tally.outcomes.items()):
                outcomes.add_metric((target, outcome), count)
            for code, count in sorted(tally.problems.items()):
                problems.add_metric((target, code), count)
        under_way = _gauge(
            "target_rows_under_way", "Rows sent by publications that go on.", ("target",)
        )
        sent: Counter[str] = Counter()
        for pair, progress in list(self._outbox.progress.items()):
            sent[pair.target] += progress.rows
        for target, count in sorted(sent.items()):
            under_way.add_metric((target,), count)
        yield from (rows, seconds, outcomes, problems, under_way)


def _gauge(name: str, about: str, labels: tuple[str, ...]) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{_PREFIX}_{name}", about, labels=labels)


def _counter(name: str, about: str, labels: tuple[str, ...]) -> CounterMetricFamily:
    return CounterMetricFamily(f"{_PREFIX}_{name}", about, labels=labels)
