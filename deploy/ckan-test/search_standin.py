#!/usr/bin/env python3
"""A small stand-in for the one Solr core that CKAN talks to.

Speaks only the part of Solr's HTTP API that CKAN (through pysolr) uses: select,
update (add / delete / commit), ping and the schema.  Field types and copy
fields come from the schema.xml of the installed CKAN, so that a string field is
matched whole and a text field by word, as in the real thing.  Documents are held
in memory and written through to SQLite.  Standard library only.
"""

import argparse
import datetime as dt
import json
import os
import re
import signal
import sqlite3
import sys
import threading
import time
import unicodedata
import xml.etree.ElementTree as ET
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

MAX_TERM_BYTES = 32766  # Lucene's limit for one indexed string term
UTC = dt.timezone.utc


class BadRequest(Exception):
    """Answered as HTTP 400 with the message where pysolr looks for it."""


# --------------------------------------------------------------------------
# schema


class Schema:
    KINDS = {
        "StrField": "string",
        "BoolField": "string",
        "TextField": "text",
        "DatePointField": "date",
        "IntPointField": "number",
        "LongPointField": "number",
        "FloatPointField": "number",
        "DoublePointField": "number",
        "BinaryField": "string",
    }

    def __init__(self, path):
        with open(path, "rb") as f:
            self.xml = f.read()
        root = ET.fromstring(self.xml)
        self.name = root.get("name") or "ckan"
        kinds = {}
        for t in list(root.iter("fieldType")) + list(root.iter("fieldtype")):
            kind = self.KINDS.get(t.get("class", "").split(".")[-1], "string")
            if kind == "text" and any("NGram" in x.get("class", "") for x in t.iter("tokenizer")):
                kind = "ngram"
            kinds[t.get("name")] = (kind, t.get("multiValued") == "true")

        def spec(el):
            kind, multi = kinds.get(el.get("type"), ("string", False))
            return (
                kind,
                el.get("multiValued", str(multi).lower()) == "true",
                el.get("stored", "true") == "true",
                el.get("indexed", "true") == "true",
            )

        self.fields = {f.get("name"): spec(f) for f in root.iter("field")}
        self.required = [f.get("name") for f in root.iter("field") if f.get("required") == "true"]
        self.dynamic = sorted(
            ((f.get("name"), spec(f)) for f in root.iter("dynamicField")), key=lambda p: -len(p[0])
        )
        self.copies = [(c.get("source"), c.get("dest")) for c in root.iter("copyField")]
        self.key = (root.findtext("uniqueKey") or "index_id").strip()
        self._cache = {}

    def spec(self, name):
        got = self._cache.get(name)
        if got is None:
            got = self.fields.get(name)
            if got is None:
                for pattern, s in self.dynamic:
                    if fnmatchcase(name, pattern):
                        got = s
                        break
            if got is None:
                raise BadRequest("undefined field " + name)
            self._cache[name] = got
        return got

    def sources(self, dest, doc):
        for src, d in self.copies:
            if d == dest:
                for name in doc:
                    if fnmatchcase(name, src):
                        yield name


# --------------------------------------------------------------------------
# analysis

_FOLD = str.maketrans(
    {"æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "ß": "ss", "đ": "d", "ł": "l", "þ": "th", "ð": "d"}
)
_PART = re.compile(r"[A-ZÀ-ÖØ-Þ]+(?![a-zà-öø-ÿ])|[^\W\d_]?[^\W\d_A-ZÀ-ÖØ-Þ]+|\d+|[^\W\d_]+")


def fold(s):
    s = unicodedata.normalize("NFKD", s.translate(_FOLD))
    return "".join(c for c in s if not unicodedata.combining(c)).lower()


def parts(word):
    """One whitespace-separated word, cut at punctuation, case and digits."""
    return [fold(p) for p in _PART.findall(word)]


def as_text(v):
    if v is True:
        return "true"
    if v is False:
        return "false"
    return v if isinstance(v, str) else str(v)


def as_list(v):
    return v if isinstance(v, list) else [v]


def as_date(s):
    s = s.strip()
    m = re.match(r"NOW(.*)$", s)
    if m:
        return date_math(dt.datetime.now(UTC), m.group(1))
    m = re.match(r"(\d{4}-\d\d-\d\d(?:T[\d:.]+)?(?:Z|[+-]\d\d:\d\d)?)(.*)$", s)
    if not m:
        raise BadRequest("Invalid Date String:'%s'" % s)
    raw = m.group(1).replace("Z", "+00:00")
    raw = re.sub(r"\.(\d+)", lambda x: "." + (x.group(1) + "000000")[:6], raw)
    try:
        d = dt.datetime.fromisoformat(raw)
    except ValueError:
        raise BadRequest("Invalid Date String:'%s'" % s)
    return date_math(d if d.tzinfo else d.replace(tzinfo=UTC), m.group(2))


def date_math(d, rest):
    for op, n, unit in re.findall(r"([+\-/])(\d*)([A-Z]+)", rest):
        u = unit.rstrip("S")
        if op == "/":
            d = d.replace(microsecond=0)
            for name, field, low in (
                ("MINUTE", "second", 0),
                ("HOUR", "minute", 0),
                ("DAY", "hour", 0),
                ("MONTH", "day", 1),
                ("YEAR", "month", 1),
            ):
                if u == "SECOND":
                    break
                d = d.replace(**{field: low})
                if u == name:
                    break
            continue
        k = int(n or 1) * (1 if op == "+" else -1)
        if u in ("YEAR", "MONTH"):
            m = d.month - 1 + (k * 12 if u == "YEAR" else k)
            y, m = d.year + m // 12, m % 12 + 1
            last = (dt.date(y + m // 12, m % 12 + 1, 1) - dt.timedelta(1)).day
            d = d.replace(year=y, month=m, day=min(d.day, last))
        else:
            d += dt.timedelta(
                **{{"DAY": "days", "HOUR": "hours", "MINUTE": "minutes"}.get(u, "seconds"): k}
            )
    return d


class Doc:
    """A stored document with its analysed fields, worked out when asked for."""

    def __init__(self, schema, data):
        self.schema, self.data, self._values, self._words = schema, data, {}, {}

    def values(self, field):
        got = self._values.get(field)
        if got is None:
            names = [field] if field in self.data else []
            names += [n for n in self.schema.sources(field, self.data) if n != field]
            got = [as_text(v) for n in names for v in as_list(self.data[n]) if v is not None]
            self._values[field] = got
        return got

    def words(self, field):
        """(set of words, list of word lists) of a text field."""
        got = self._words.get(field)
        if got is None:
            bag, runs = set(), []
            for v in self.values(field):
                run = []
                for w in v.split():
                    p = parts(w)
                    run += p
                    if len(p) > 1:
                        bag.add("".join(p))
                bag.update(run)
                runs.append(run)
            got = self._words[field] = (bag, runs)
        return got


# --------------------------------------------------------------------------
# queries: each node is a function doc -> score (0 when it does not match)


def glob_regex(raw):
    out, i = [], 0
    while i < len(raw):
        c = raw[i]
        if c == "\\" and i + 1 < len(raw):
            i += 1
            out.append(re.escape(raw[i]))
        elif c == "*":
            out.append(".*")
        elif c == "?":
            out.append(".")
        else:
            out.append(re.escape(c))
        i += 1
    return re.compile("".join(out), re.S)


def unescape(raw):
    return re.sub(r"\\(.)", r"\1", raw, flags=re.S)


def has_wildcard(raw):
    return re.search(r"(?<!\\)(?:\\\\)*[*?]", raw) is not None


def term(schema, field, raw, quoted=False):
    if field == "*":
        return lambda d: 1.0
    kind = schema.spec(field)[0]
    if not quoted and raw == "*":
        return lambda d: 1.0 if d.values(field) else 0
    if not quoted and has_wildcard(raw):
        if kind == "string":
            rx = glob_regex(raw)
            return lambda d: float(any(rx.fullmatch(v) for v in d.values(field)))
        rx = glob_regex(fold(raw))
        return lambda d: float(any(rx.fullmatch(w) for w in d.words(field)[0]))
    text = unescape(raw)
    if kind == "string":
        return lambda d: float(text in d.values(field))
    if kind == "date":
        when = as_date(text)
        return lambda d: float(any(as_date(v) == when for v in d.values(field)))
    if kind == "number":
        try:
            n = float(text)
        except ValueError:
            raise BadRequest("Invalid Number: " + text)
        return lambda d: float(any(float(v) == n for v in d.values(field)))
    if kind == "ngram":
        grams = text.lower().split()
        return lambda d: float(
            bool(grams)
            and all(
                2 <= len(g) <= 10 and any(g in v.lower() for v in d.values(field)) for g in grams
            )
        )
    words = [p for w in text.split() for p in parts(w)]
    if not words:
        return lambda d: 0
    if not quoted or len(words) == 1:
        return lambda d: float(all(w in d.words(field)[0] for w in words))
    n = len(words)
    return lambda d: float(
        any(run[i : i + n] == words for run in d.words(field)[1] for i in range(len(run) - n + 1))
    )


def span(schema, field, low, high, incl_low, incl_high):
    kind = schema.spec(field)[0]

    def conv(s):
        if kind == "date":
            return as_date(s)
        if kind == "number":
            try:
                return float(s)
            except ValueError:
                raise BadRequest("Invalid Number: " + s)
        return s

    lo = None if low == "*" else conv(unescape(low))
    hi = None if high == "*" else conv(unescape(high))

    def test(d):
        for v in d.values(field):
            v = conv(v)
            if lo is not None and (v < lo or (v == lo and not incl_low)):
                continue
            if hi is not None and (v > hi or (v == hi and not incl_high)):
                continue
            return 1.0
        return 0

    return test


def boolean(clauses):
    """clauses: [occur, node]; occur is '+', '-' or '' as in Lucene."""
    must = [n for o, n in clauses if o == "+"]
    must_not = [n for o, n in clauses if o == "-"]
    should = [n for o, n in clauses if o == ""]

    def test(d):
        score = 0.0
        for n in must:
            s = n(d)
            if not s:
                return 0
            score += s
        for n in must_not:
            if n(d):
                return 0
        hits = 0
        for n in should:
            s = n(d)
            if s:
                hits += 1
                score += s
        if should and not must and not hits:
            return 0
        return score or 1.0

    return test


class Lucene:
    """Recursive descent over the classic Lucene query syntax."""

    SPECIAL = ' \t\r\n()"[]{}:^~'

    def __init__(self, schema, text, df="text", op="AND"):
        self.schema, self.s, self.i, self.df = schema, text, 0, df
        self.op = op.upper()

    def fail(self, why):
        raise BadRequest(
            "org.apache.solr.search.SyntaxError: Cannot parse '%s': %s" % (self.s, why)
        )

    def parse(self):
        node = self.query(self.df, 0)
        if self.i < len(self.s):
            self.fail('Encountered "%s" at column %d' % (self.s[self.i], self.i))
        return node

    def ws(self):
        while self.i < len(self.s) and self.s[self.i].isspace():
            self.i += 1

    def word(self, *ws):
        for w in ws:
            j = self.i + len(w)
            if self.s.startswith(w, self.i) and (
                not w.isalpha() or j >= len(self.s) or self.s[j] in self.SPECIAL
            ):
                self.i = j
                return True
        return False

    def query(self, field, depth):
        if depth > 50:
            self.fail("too deeply nested")
        clauses = []
        while True:
            self.ws()
            if self.i >= len(self.s) or self.s[self.i] == ")":
                break
            conj = ""
            if self.word("AND", "&&"):
                conj = "AND"
            elif self.word("OR", "||"):
                conj = "OR"
            if conj and not clauses:
                self.fail('Encountered " <%s>' % conj)
            self.ws()
            mod = ""
            while self.word("NOT", "+", "-", "!"):
                mod = "+" if self.s[self.i - 1] == "+" else "-"
                self.ws()
            if self.i >= len(self.s):
                self.fail('Encountered "<EOF>"')
            node = self.clause(field, depth)
            if clauses and clauses[-1][0] != "-":
                if conj == "AND":
                    clauses[-1][0] = "+"
                elif conj == "OR" and self.op == "AND" and not clauses[-1][2]:
                    clauses[-1][0] = ""
            if mod:
                occur = mod
            elif self.op == "AND":
                occur = "" if conj == "OR" else "+"
            else:
                occur = "+" if conj == "AND" else ""
            clauses.append([occur, node, mod == "+"])
        if not clauses:
            return lambda d: 0
        return boolean([(o, n) for o, n, _ in clauses])

    def clause(self, field, depth):
        m = re.compile(r'((?:[^\s()"\[\]{}:^~+\-!\\]|\\.|(?<=\w)[-+])+|\*)\s*:\s*').match(
            self.s, self.i
        )
        if m:
            field = unescape(m.group(1))
            self.i = m.end()
        if self.i >= len(self.s):
            self.fail('Encountered "<EOF>"')
        c = self.s[self.i]
        if c == "(":
            self.i += 1
            node = self.query(field, depth + 1)
            if self.i >= len(self.s):
                self.fail("missing )")
            self.i += 1
        elif c == '"':
            node = term(self.schema, field, self.quoted(), quoted=True)
        elif c in "[{":
            m = re.compile(r'([\[{])\s*("[^"]*"|\S+)\s+TO\s+("[^"]*"|[^\s\]}]+)\s*([\]}])').match(
                self.s, self.i
            )
            if not m:
                self.fail("bad range")
            self.i = m.end()
            node = span(
                self.schema,
                field,
                m.group(2).strip('"'),
                m.group(3).strip('"'),
                m.group(1) == "[",
                m.group(4) == "]",
            )
        else:
            raw = self.bare()
            if not raw:
                self.fail('Encountered "%s" at column %d' % (c, self.i))
            node = term(self.schema, field, raw)
        m = re.compile(r"(?:~[\d.]*)?(?:\^([\d.]+))?").match(self.s, self.i)
        self.i = m.end()
        if m.group(1):
            boost, inner = float(m.group(1)), node
            node = lambda d: inner(d) * boost
        return node

    def quoted(self):
        j = self.i + 1
        while j < len(self.s) and self.s[j] != '"':
            j += 2 if self.s[j] == "\\" else 1
        if j >= len(self.s):
            self.fail("Lexical error: missing closing quote")
        raw, self.i = self.s[self.i + 1 : j], j + 1
        return raw

    def bare(self):
        j = self.i
        while j < len(self.s) and self.s[j] not in self.SPECIAL:
            j += 2 if self.s[j] == "\\" else 1
        raw, self.i = self.s[self.i : j], j
        return raw


def min_should_match(spec, n):
    """Solr's mm: '2<-1 5<80%', '75%', '-1', '3'."""

    def one(v):
        if v.endswith("%"):
            p = int(v[:-1])
            k = int(n * abs(p) / 100)
            return k if p >= 0 else n - k
        k = int(v)
        return k if k >= 0 else n + k

    need = n
    if "<" in spec:
        for rule in spec.split():
            bound, v = rule.split("<")
            if n > int(bound):
                need = one(v)
    elif spec:
        need = one(spec.strip())
    return max(0, min(n, need))


def dismax(schema, q, qf, mm):
    fields = [(f.partition("^")[0], float(f.partition("^")[2] or 1)) for f in qf.split()]

    def anywhere(raw, quoted):
        nodes = [(term(schema, f, re.sub(r"([*?])", r"\\\1", raw), quoted), b) for f, b in fields]
        return lambda d: max((b for n, b in nodes if n(d)), default=0)

    must, must_not, optional = [], [], []
    for sign, phrase, word in re.findall(r'([+-]?)(?:"([^"]*)"|([^\s"]+))', q):
        raw = phrase or word
        if not raw or (not phrase and not re.search(r"\w", raw)):
            continue
        node = anywhere(raw, bool(phrase))
        (must if sign == "+" else must_not if sign == "-" else optional).append(node)
    need = min_should_match(mm, len(optional))
    if not (must or must_not or optional):
        return lambda d: 0

    def test(d):
        score = 0.0
        for n in must:
            s = n(d)
            if not s:
                return 0
            score += s
        if any(n(d) for n in must_not):
            return 0
        got = [s for s in (n(d) for n in optional) if s]
        if len(got) < need:
            return 0
        return (score + sum(got)) or 1.0

    return test


def build(schema, q, params):
    q = q.strip()
    if q.startswith("{!"):
        raise BadRequest("the search stand-in has no local-params parsers: " + q[:80])
    if q in ("*:*", ""):
        return lambda d: 1.0
    deftype = params.get("defType", ["lucene"])[0]
    fielded = re.search(r"(?<!\\):", q) is not None
    if deftype == "dismax" or (
        deftype == "edismax" and not fielded and not re.search(r"\b(AND|OR|NOT)\b|[()*?]", q)
    ):
        return dismax(schema, q, params.get("qf", ["text"])[0], params.get("mm", [""])[0])
    return Lucene(schema, q, params.get("df", ["text"])[0], params.get("q.op", ["OR"])[0]).parse()


def filter_query(schema, q, params):
    return build(schema, q, {"df": params.get("df", ["text"]), "q.op": params.get("q.op", ["OR"])})


# --------------------------------------------------------------------------
# the index


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


# --------------------------------------------------------------------------
# HTTP


def xml_update(index, body):
    root = ET.fromstring(body)
    todo = list(root) if root.tag == "update" else [root]
    commit = False
    for el in todo:
        if el.tag == "add":
            docs = []
            for d in el.iter("doc"):
                doc = {}
                for f in d.iter("field"):
                    doc.setdefault(f.get("name"), []).append(f.text or "")
                docs.append({k: v if len(v) > 1 else v[0] for k, v in doc.items()})
            index.add(docs)
        elif el.tag == "delete":
            for x in el:
                if x.tag == "id":
                    index.delete(ident=x.text or "")
                elif x.tag == "query":
                    index.delete(query=x.text or "")
        elif el.tag in ("commit", "optimize"):
            commit = True
    return commit


def json_update(index, body):
    msg = json.loads(body)
    if isinstance(msg, list):
        index.add(msg)
        return False
    if "add" in msg:
        index.add([msg["add"].get("doc", msg["add"])])
    if "delete" in msg:
        d = msg["delete"]
        for x in as_list(d):
            if isinstance(x, dict):
                index.delete(query=x.get("query"), ident=x.get("id"))
            else:
                index.delete(ident=x)
    return "commit" in msg


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "search-standin"
    wbufsize = -1
    disable_nagle_algorithm = True
    index = None

    def log_message(self, *a):
        pass

    def reply(self, code, body, kind="application/json;charset=utf-8"):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_any(self):
        url = urlsplit(self.path)
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size) if size else b""
        params = parse_qs(url.query, keep_blank_values=True)
        kind = self.headers.get("Content-Type", "")
        if "x-www-form-urlencoded" in kind:
            for k, v in parse_qs(body.decode(), keep_blank_values=True).items():
                params.setdefault(k, []).extend(v)
        path = url.path.rstrip("/")
        index = self.index
        try:
            if path.endswith("/select"):
                self.reply(200, index.select(params))
            elif path.endswith("/update"):
                commit = False
                if body.strip():
                    if "json" in kind:
                        commit = json_update(index, body)
                    else:
                        commit = xml_update(index, body)
                if commit or "true" in (
                    params.get("commit", [""])[0],
                    params.get("softCommit", [""])[0],
                ):
                    index.commit()
                self.reply(200, {"responseHeader": {"status": 0, "QTime": 0}})
            elif path.endswith("/admin/ping"):
                self.reply(200, {"responseHeader": {"status": 0}, "status": "OK"})
            elif path.endswith("/schema") or path.endswith("/admin/file"):
                self.reply(200, index.schema.xml, "application/xml")
            else:
                self.reply(
                    404, {"error": {"msg": "not in the search stand-in: " + path, "code": 404}}
                )
        except (BadRequest, ET.ParseError, json.JSONDecodeError) as e:
            self.reply(
                400, {"responseHeader": {"status": 400}, "error": {"msg": str(e), "code": 400}}
            )
        except Exception as e:  # a fault here, not the caller's
            import traceback

            traceback.print_exc()
            self.reply(500, {"error": {"msg": "%s: %s" % (type(e).__name__, e), "code": 500}})

    do_GET = do_POST = handle_any


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--schema", required=True, help="schema.xml of the installed CKAN")
    ap.add_argument("--db", required=True, help="SQLite file that keeps the documents")
    ap.add_argument("--host", default="127.0.0.1")
    ap.add_argument("--port", type=int, default=28983)
    ap.add_argument(
        "--lag",
        type=float,
        default=0.0,
        help="seconds between a commit and its being visible to searches",
    )
    a = ap.parse_args()
    Handler.index = Index(Schema(a.schema), a.db, a.lag)
    server = Server((a.host, a.port), Handler)

    def stop(*_):
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(
        "search stand-in on %s:%d, pid %d, %d documents"
        % (a.host, a.port, os.getpid(), len(Handler.index.docs)),
        flush=True,
    )
    server.serve_forever(poll_interval=0.1)
    Handler.index.flush()


if __name__ == "__main__":
    sys.exit(main())
