"""Queries: each is read into a function document -> score (0 when it does not match)."""

import re

from .documents import BadRequest, as_date, fold, parts


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
