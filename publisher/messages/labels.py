"""The words of the command line that are no refusals: headings, outcomes, short sentences."""

from collections.abc import Mapping
from typing import Literal

Language = Literal["en", "da"]

LABELS: Mapping[str, tuple[str, str]] = {
    # headings
    "table": ("Table", "Tabel"),
    "dataset": ("Dataset", "Datasæt"),
    "target": ("Target", "Mål"),
    "outcome": ("Outcome", "Udfald"),
    "version": ("Version", "Version"),
    "versions": ("Versions", "Versioner"),
    "read": ("Read", "Læst"),
    "new": ("New", "Nye"),
    "corrected": ("Corrected", "Rettede"),
    "unchanged": ("Unchanged", "Uændrede"),
    "removed": ("Removed", "Fjernede"),
    "quarantined": ("Quarantined", "I karantæne"),
    "seconds": ("Seconds", "Sekunder"),
    "rows": ("Rows", "Rækker"),
    "rule": ("Rule", "Regel"),
    "field": ("Field", "Felt"),
    "count": ("Count", "Antal"),
    "first-rows": ("First rows", "Første rækker"),
    "row": ("Row", "Række"),
    "last-run": ("Last run", "Seneste kørsel"),
    "next-run": ("Next run", "Næste kørsel"),
    "lag": ("Lag", "Efterslæb"),
    "state": ("State", "Tilstand"),
    "published": ("Published", "Udgivet"),
    "access": ("Access", "Adgang"),
    "changes": ("Changes", "Ændringer"),
    # outcomes and states
    "outcome-committed": ("committed", "gemt"),
    "outcome-unchanged": ("unchanged", "uændret"),
    "outcome-held": ("held", "holdt tilbage"),
    "outcome-failed": ("failed", "mislykket"),
    "outcome-running": ("running", "i gang"),
    "outcome-interrupted": ("interrupted", "afbrudt"),
    "outcome-published": ("published", "udgivet"),
    "outcome-different": ("would change", "ville blive ændret"),
    "outcome-withdrawn": ("withdrawn", "trukket tilbage"),
    "state-current": ("up to date", "ajour"),
    "state-behind": ("behind", "bagud"),
    "state-failing": ("failing", "fejler"),
    "state-held": ("held: a person is needed", "holdt: kræver en person"),
    "state-closed": ("asked", "spørges"),
    "state-open": ("left alone for a while", "lades i fred en tid"),
    "state-half-open": ("tried again", "prøves igen"),
    "partner-answers": ("{partner} answers: {tables}", "{partner} svarer: {tables}"),
    "copied": ("copied {at}", "kopieret {at}"),
    "no-partners": (
        "There are no partners in catalog/partners.yaml.",
        "Der er ingen partnere i catalog/partners.yaml.",
    ),
    "fields-read": (
        "{table}, as the partner tells: {fields}",
        "{table}, som partneren fortæller: {fields}",
    ),
    "state-withdrawn": ("withdrawn", "trukket tilbage"),
    "rows-missing": ("{count} missing", "{count} mangler"),
    "rows-different": ("{count} different", "{count} afviger"),
    "rows-extra": ("{count} too many", "{count} for mange"),
    "target-progress": (
        "{rows} rows sent of {total}, {seconds} s",
        "{rows} rækker sendt af {total}, {seconds} s",
    ),
    "target-compared": ("every row compared", "alle rækker sammenlignet"),
    "target-found": ("found and put right", "fundet og rettet"),
    "target-removed": ("is removed there", "fjernes derfra"),
    "target-page": ("page", "side"),
    "state-never": ("never published", "aldrig udgivet"),
    "severity-error": ("error", "fejl"),
    "severity-warning": ("warning", "advarsel"),
    "access-public": ("public", "offentlig"),
    "access-draft": ("draft", "kladde"),
    "rating-excellent": ("excellent", "fremragende"),
    "rating-good": ("good", "god"),
    "rating-sufficient": ("sufficient", "tilstrækkelig"),
    "rating-bad": ("bad", "dårlig"),
    # sentences
    "mqa": (
        "{dataset}: metadata score {score} of {of} by the EU's assessment ({rating})",
        "{dataset}: metadata får {score} af {of} point i EU's vurdering ({rating})",
    ),
    "error": ("Error", "Fejl"),
    "remedy": ("What to do", "Det kan du gøre"),
    "line": ("line {line}", "linje {line}"),
    "check-clean": ("No problems found.", "Ingen problemer fundet."),
    "check-found": (
        "{errors} errors and {warnings} warnings.",
        "{errors} fejl og {warnings} advarsler.",
    ),
    "valid": ("Valid: {rows}, no errors.", "Gyldig: {rows}, ingen fejl."),
    "invalid": (
        "Invalid: {errors} in {rows}.",
        "Ugyldig: {errors} i {rows}.",
    ),
    # what `validate` found
    "the-table": ("The whole table", "Hele tabellen"),
    "column": ('Column "{field}"', 'Kolonne "{field}"'),
    "column-place": ('Column "{field}" (no. {number})', 'Kolonne "{field}" (nr. {number})'),
    "cells-one": ("1 cell", "1 celle"),
    "cells-many": ("{number} cells", "{number} celler"),
    "rows-one": ("1 row", "1 række"),
    "rows-many": ("{number} rows", "{number} rækker"),
    "errors-one": ("1 error", "1 fejl"),
    "errors-many": ("{number} errors", "{number} fejl"),
    "share": ("{share}\u00a0% of the rows", "{share}\u00a0% af rækkerne"),
    "under-share": ("under {share}\u00a0% of the rows", "under {share}\u00a0% af rækkerne"),
    "all-in": ("In {examples}.", "I {examples}."),
    "first-in": ("First in {examples}.", "Først i {examples}."),
    "in-row": ("row {row}", "række {row}"),
    "same-as": ("as in row {row}", "som i række {row}"),
    "hidden": ("(hidden: personal)", "(skjult: personlig)"),
    "and-more": ("and {number} more", "og {number} til"),
    "more-findings": (
        "There are {number} more kinds of error; see --json or --page.",
        "Der er {number} slags fejl til; se --json eller --page.",
    ),
    "report-of": ("Report on {file}", "Rapport om {file}"),
    "by-rule": ("By rule", "Efter regel"),
    "by-column": ("By column", "Efter kolonne"),
    "findings": ("What is wrong", "Det, der er galt"),
    "errors": ("Errors", "Fejl"),
    "rows-hit": ("Rows hit", "Ramte rækker"),
    "share-of-rows": ("Share of the rows", "Andel af rækkerne"),
    "cell": ("Cell", "Celle"),
    "frictionless-says": ("Frictionless says", "Frictionless siger"),
    "no-cell": ("(none)", "(ingen)"),
    "nothing-quarantined": ("Nothing is in quarantine.", "Der er intet i karantæne."),
    "discarded": (
        "{rows} rows were discarded from the quarantine of {table}.",
        "{rows} rækker blev kasseret fra karantænen for {table}.",
    ),
    "more-rows": (
        "More rows follow: --after {after}",
        "Der er flere rækker: --after {after}",
    ),
    "nothing-to-publish": ("There is nothing to publish.", "Der er intet at udgive."),
    "no-datasets": ("There are no datasets in catalog/.", "Der er ingen datasæt i catalog/."),
    "exported": (
        "{path} holds {rows} rows of version {version} in {bytes} bytes.",
        "{path} rummer {rows} rækker af version {version} i {bytes} byte.",
    ),
    "key-made": (
        "The key for {whom}, told this once:",
        "Nøglen til {whom}, som kun vises nu:",
    ),
    "no-keys": ("There are no keys.", "Der er ingen nøgler."),
    "revoked": ("revoked", "ophævet"),
    "key-revoked": ("The key for {whom} is revoked.", "Nøglen til {whom} er ophævet."),
    "backed-up": (
        "The copy is in {path}: {files} files, {bytes} bytes.",
        "Kopien ligger i {path}: {files} filer, {bytes} byte.",
    ),
    "restored": (
        "{path} was restored to {data}.",
        "{path} er gendannet i {data}.",
    ),
    "ready": ("Publisher answers at {url}", "Publisher svarer på {url}"),
    "waiting-for-others": (
        "Done. Waiting for other commands that use this process.",
        "Færdig. Venter på andre kommandoer, der bruger denne proces.",
    ),
    "waiting-for-holder": (
        "Waiting for another command to finish with {data}.",
        "Venter på, at en anden kommando bliver færdig med {data}.",
    ),
    "stopping-here": (
        "What has begun is being finished; Ctrl-C again ends at once.",
        "Det, der er begyndt, gøres færdigt; Ctrl-C igen afslutter straks.",
    ),
    "stopping-there": (
        "What has begun goes on in the process that holds the data; see `publisher status`.",
        "Det, der er begyndt, fortsætter i den proces, der holder data; se `publisher status`.",
    ),
    "interrupted": ("Interrupted.", "Afbrudt."),
    "partner": ("Partner", "Partner"),
    "milliseconds": ("ms", "ms"),
    "answered": ("Answered", "Svarede"),
    "tables": ("Tables", "Tabeller"),
    "type": ("Type", "Type"),
    "never": ("never", "aldrig"),
}


def label(name: str, language: Language = "en", **params: object) -> str:
    """Give the words of *name* in *language*."""
    return LABELS[name][language == "da"].format_map(params)


def counted(name: Literal["cells", "rows", "errors"], number: int, language: Language) -> str:
    """Tell how many, such as ``1 row`` or ``12,000 rows``."""
    if number == 1:
        return label(f"{name}-one", language)
    return label(f"{name}-many", language, number=integer(number, language))


def integer(number: int, language: Language) -> str:
    """Write a whole number with the thousands sign of *language*."""
    told = f"{number:,}"
    return told.replace(",", ".") if language == "da" else told
