"""Storage: the documents in memory and in SQLite, what is committed when, and what is found."""

import datetime as dt
import json
import re
import sqlite3
import threading
import time
from fnmatch import fnmatchcase

from .documents import UTC, BadRequest, Doc, as_date, as_list, as_text, fold
from .query import Lucene, build, filter_query

MAX_TERM_BYTES = 32766  # Lucene's limit for one indexed string term


class Index:
    def __init__(self, schema, path, lag):
        self.schema, self.lag = schema, lag
        self.lock = threading.RLock()
        self.docs, self.pending = {}, []  # pending: [when visible or None, op]
        self.db = sqlite3.connect(path, check_same_thread=False)
        self.db.execute("pragma journal_mode=wal")
        self.db.execute("pragma synchronous=off")
        self.db.execute("create table if not exists doc (k text primary key, v text)")
        for k, v in self.db.execute("select k, v from doc"):
            self.docs[k] = Doc(schema, json.loads(v))

    # -- writing
    def check(self, data):
        schema = self.schema
        ident = data.get(schema.key)
        for name in schema.required:
            if data.get(name) in (None, ""):
                raise BadRequest("[doc=%s] missing required field: %s" % (ident, name))
        for name, value in data.items():
            kind, multi, _, indexed = schema.spec(name)
            if isinstance(value, dict):
                raise BadRequest(
                    "[doc=%s] Error adding field '%s'='%s' msg=Unknown "
                    "operation for the an atomic update: %s"
                    % (ident, name, str(value)[:60], next(iter(value), ""))
                )
            if isinstance(value, list) and len(value) > 1 and not multi:
                raise BadRequest(
                    "ERROR: [doc=%s] multiple values encountered for non "
                    "multiValued field %s: %s" % (ident, name, str(value)[:200])
                )
            for v in as_list(value):
                if v is None:
                    continue
                if kind == "string" and indexed:
                    n = len(as_text(v).encode("utf-8", "replace"))
                    if n > MAX_TERM_BYTES:
                        raise BadRequest(
                            "Exception writing document id %s to the index; possible analysis "
                            'error: Document contains at least one immense term in field="%s" '
                            "(whose UTF-8 encoding is longer than the max length %d), all of "
                            "which were skipped." % (ident, name, MAX_TERM_BYTES)
                        )
                elif kind == "date":
                    try:
                        as_date(as_text(v))
                    except BadRequest as e:
                        raise BadRequest(
                            "ERROR: [doc=%s] Error adding field '%s'='%s' msg=%s"
                            % (ident, name, v, e)
                        )
                elif kind == "number":
                    try:
                        float(v)
                    except (TypeError, ValueError):
                        raise BadRequest(
                            "ERROR: [doc=%s] Error adding field '%s'='%s' msg=For "
                            "input string" % (ident, name, v)
                        )

    def add(self, docs):
        for data in docs:
            self.check(data)
        with self.lock:
            for data in docs:
                data = {k: v for k, v in data.items() if v is not None and v != []}
                data.setdefault(
                    "indexed_ts", dt.datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
                )
                self.pending.append([None, ("add", data)])

    def delete(self, query=None, ident=None):
        if query is not None:
            op = ("query", Lucene(self.schema, query, op="OR").parse())
        else:
            op = ("id", ident)
        with self.lock:
            self.pending.append([None, op])

    def commit(self):
        when = time.monotonic() + self.lag
        with self.lock:
            for p in self.pending:
                if p[0] is None:
                    p[0] = when
            self.settle()

    def settle(self):
        with self.lock:
            now, done = time.monotonic(), False
            while self.pending and self.pending[0][0] is not None and self.pending[0][0] <= now:
                kind, what = self.pending.pop(0)[1]
                done = True
                if kind == "add":
                    k = what[self.schema.key]
                    self.docs.pop(k, None)
                    self.docs[k] = Doc(self.schema, what)
                    self.db.execute("replace into doc values (?, ?)", (k, json.dumps(what)))
                else:
                    gone = [what] if kind == "id" else [k for k, d in self.docs.items() if what(d)]
                    for k in gone:
                        self.docs.pop(k, None)
                    self.db.executemany("delete from doc where k = ?", [(k,) for k in gone])
            if done:
                self.db.commit()

    def flush(self):
        """On a clean stop nothing that was accepted is lost."""
        with self.lock:
            for p in self.pending:
                p[0] = 0
            self.settle()
            self.db.close()

    # -- reading
    def select(self, params):
        schema = self.schema
        self.settle()
        with self.lock:
            docs = list(self.docs.values())
        one = lambda k, default: params.get(k, [default])[0]
        node = build(schema, one("q", "*:*"), params)
        for fq in params.get("fq", []):
            if fq.strip():
                keep = filter_query(schema, fq, params)
                docs = [d for d in docs if keep(d)]
        hits = [(s, d) for s, d in ((node(d), d) for d in docs) if s]
        self.sort(hits, one("sort", "score desc"))
        try:
            start, rows = int(one("start", 0)), int(one("rows", 10))
        except ValueError as e:
            raise BadRequest("For input string: " + str(e))
        if start < 0 or rows < 0:
            raise BadRequest("'start' and 'rows' parameters cannot be negative")
        fl = [f for f in re.split(r"[\s,]+", " ".join(params.get("fl", ["*"]))) if f]
        out = {
            "responseHeader": {"status": 0, "QTime": 0},
            "response": {
                "numFound": len(hits),
                "start": start,
                "numFoundExact": True,
                "docs": [self.pick(d, s, fl) for s, d in hits[start : start + rows]],
            },
        }
        if one("facet", "false") in ("true", "on", "True"):
            out["facet_counts"] = {
                "facet_queries": {},
                "facet_ranges": {},
                "facet_fields": self.facets(hits, params),
            }
        return out

    def pick(self, doc, score, fl):
        out = {}
        for name, value in doc.data.items():
            if any(fnmatchcase(name, f) for f in fl):
                _, multi, stored, _ = self.schema.spec(name)
                if stored:
                    out[name] = (
                        as_list(value)
                        if multi
                        else (value[0] if isinstance(value, list) else value)
                    )
        if "score" in fl:
            out["score"] = score
        return out

    def sort(self, hits, spec):
        for clause in reversed([c for c in spec.split(",") if c.strip()]):
            m = re.fullmatch(r"\s*([\w.\-]+)\s+(asc|desc)\s*", clause, re.I)
            if not m:
                raise BadRequest(
                    "Can't determine a Sort Order (asc or desc) in sort spec '%s', pos=0" % spec
                )
            field, down = m.group(1), m.group(2).lower() == "desc"
            if field == "score":
                hits.sort(key=lambda h: h[0], reverse=down)
                continue
            kind = self.schema.spec(field)[0]
            conv = {"date": as_date, "number": float}.get(
                kind, fold if kind in ("text", "ngram") else str
            )
            have = [h for h in hits if h[1].values(field)]
            lack = [h for h in hits if not h[1].values(field)]
            have.sort(key=lambda h: conv(h[1].values(field)[0]), reverse=down)
            hits[:] = have + lack

    def facets(self, hits, params):
        def opt(field, name, default):
            return params.get(
                "f.%s.facet.%s" % (field, name), params.get("facet." + name, [default])
            )[0]

        out = {}
        for field in params.get("facet.field", []):
            kind = self.schema.spec(field)[0]
            counts = {}
            for _, d in hits:
                values = d.words(field)[0] if kind == "text" else d.values(field)
                for v in set(values):
                    counts[v] = counts.get(v, 0) + 1
            low, limit = int(opt(field, "mincount", 0)), int(opt(field, "limit", 100))
            items = [(v, n) for v, n in counts.items() if n >= low]
            if opt(field, "sort", "count" if limit > 0 else "index") == "index":
                items.sort()
            else:
                items.sort(key=lambda p: (-p[1], p[0]))
            if limit >= 0:
                items = items[:limit]
            out[field] = [x for p in items for x in p]
        return out
