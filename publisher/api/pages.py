"""The reading page at /docs and the OpenAPI document: made once, of the route table."""

import html
import re
from collections.abc import Iterable

from publisher.api.openapi import field_conditions
from publisher.api.route import Route
from publisher.messages.api import API
from publisher.messages.queries import QUERIES
from publisher.messages.several import SEVERAL
from publisher.query.parameters import Parameter

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color:#1a1a1a;background:#fff}code{background:#f0f0f0;padding:.1em .3em;border-radius:3px}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;padding:.4rem;"
    "text-align:left;vertical-align:top}h2{margin-top:2.5rem}:target{background:#fff3c4}"
    "a{color:#0b4f9e}"
)
SECURITY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"


def reading_page(routes: Iterable[Route]) -> str:
    """Give the page as HTML that needs nothing else."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Publisher API</title><style>{_STYLE}</style></head><body>"
        "<h1>Publisher API</h1>"
        "<p>Read-only, no key needed. The same as a machine reads it: "
        '<a href="/openapi.json">openapi.json</a>.</p>'
        + "".join(_route(route) for route in routes)
        + "<h2>Problems</h2><p>Every failure is an RFC 9457 problem; its <code>code</code> is one"
        " of these, in Danish where <code>Accept-Language</code> asks for it.</p><table>"
        "<tr><th>code</th><th>says</th><th>what to do</th></tr>"
        + "".join(
            f'<tr id="{code}"><td><code>{code}</code></td><td>{html.escape(text.en)}</td>'
            f"<td>{html.escape(text.remedy_en)}</td></tr>"
            for code, text in {**API, **QUERIES, **SEVERAL}.items()
        )
        + "</table></body></html>"
    )


def _route(route: Route) -> str:
    rows = "".join(_parameter(one) for one in (*route.place, *route.query))
    table = f"<table><tr><th>parameter</th><th>meaning</th></tr>{rows}</table>" if rows else ""
    more = _markdown(field_conditions()) if route.fields else ""
    return (
        f'<h2 id="{route.name}"><code>GET {html.escape(route.path)}</code></h2>'
        f"<p>{html.escape(route.summary)}. Formats: {', '.join(route.formats)}.</p>{table}{more}"
    )


def _parameter(one: Parameter) -> str:
    example = f" Example: <code>{html.escape(str(one.example))}</code>" if one.example else ""
    return f"<tr><td><code>{one.name}</code></td><td>{_inline(one.description)}{example}</td></tr>"


def _markdown(text: str) -> str:
    head, _, items = text.partition("\n\n")
    lines = "".join(f"<li>{_inline(line.removeprefix('- '))}</li>" for line in items.splitlines())
    return f"<p>{_inline(head)}</p><ul>{lines}</ul>"


def _inline(text: str) -> str:
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(text))
