"""Writes docs/errors.md and docs/da/errors.md from publisher.messages: ``make docs``."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from publisher import messages
from publisher.messages import TEXTS, Language, Text

DOCS = Path(__file__).resolve().parents[1] / "docs"

HEADS = {
    "en": (
        "# What Publisher refuses, by code",
        "[På dansk](da/errors.md)",
        (
            "Every problem carries a code that never changes its meaning: in the `code` of JSON "
            "output and at the end of the `type` of an HTTP problem. `{...}` stands for what is "
            "filled in; where two remedies are given, the second is said when nothing is near. "
            "Exit codes: [commands.md](commands.md)."
        ),
        "| code | says | what to do |",
    ),
    "da": (
        "# Det, Publisher afviser, efter kode",
        "[In English](../errors.md)",
        (
            "Hvert problem har en kode, som aldrig skifter betydning: i `code` i JSON og sidst "
            "i `type` på et HTTP-problem. `{...}` står for det, der udfyldes; hvor der er to råd, "
            "gives det andet, når intet ligger nær. Slutkoder: "
            "[commands.md](commands.md)."
        ),
        "| kode | siger | det kan du gøre |",
    ),
}
AREAS: Mapping[str, tuple[str, str]] = {
    "api": ("Requests, commands and settings", "Forespørgsler, kommandoer og indstillinger"),
    "catalog": ("Files in catalog/ and schemas/", "Filer i catalog/ og schemas/"),
    "checks": ("Further checks", "Yderligere kontroller"),
    "control": ("The process that holds the data", "Processen, der holder data"),
    "demo": ("The demo", "Demoen"),
    "findings": ("What is wrong with a file's rows", "Hvad der er galt med en fils rækker"),
    "harvest": ("Harvest and validation", "Høst og validering"),
    "mqa": ("What metadata lack, by the EU's score", "Hvad metadata mangler, efter EU's score"),
    "queries": ("Parameters of queries", "Forespørgslers parametre"),
    "several": ("Questions to several tables", "Spørgsmål til flere tabeller"),
    "sources": ("Sources", "Kilder"),
    "store": ("The store", "Lageret"),
    "targets": ("Targets", "Mål"),
}


def areas() -> Iterator[tuple[str, Mapping[str, Text]]]:
    """Give each file of publisher.messages that holds codes, and its texts."""
    told: set[str] = set()
    for module in iter_modules(messages.__path__):
        texts = getattr(import_module(f"publisher.messages.{module.name}"), module.name.upper(), {})
        new = {code: it for code, it in texts.items() if TEXTS.get(code) is it and code not in told}
        if new:
            told |= new.keys()
            yield module.name, new


def page(language: Language) -> str:
    title, other, lead, head = HEADS[language]
    lines = [title, "", other, "", lead]
    for name, texts in areas():
        lines += ["", f"## {AREAS[name][language == 'da']}", "", head, "|---|---|---|"]
        for code, text in sorted(texts.items()):
            says = text.da if language == "da" else text.en
            remedy = text.remedy_da if language == "da" else text.remedy_en
            if alone := text.alone_da if language == "da" else text.alone_en:
                remedy += f" · {alone}"
            lines.append(f"| `{code}` | {_cell(says)} | {_cell(remedy)} |")
    return "\n".join(lines) + "\n"


def paths() -> Mapping[Language, Path]:
    return {"en": DOCS / "errors.md", "da": DOCS / "da" / "errors.md"}


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


if __name__ == "__main__":
    for language, path in paths().items():
        path.write_text(page(language), encoding="utf-8")
