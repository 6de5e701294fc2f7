"""Documents: the schema they follow, and their fields cut into what a query can match."""

import datetime as dt
import re
import unicodedata
import xml.etree.ElementTree as ET
from fnmatch import fnmatchcase

UTC = dt.timezone.utc


class BadRequest(Exception):
    """Answered as HTTP 400 with the message where pysolr looks for it."""


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
