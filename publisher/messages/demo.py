"""What ``publisher demo`` tells the newcomer."""

from collections.abc import Mapping
from typing import Literal

from publisher.messages.text import Text

DEMO: dict[str, Text] = {
    "demo-data-not-empty": Text(
        en="The demo needs a folder of its own, and {path} is not empty.",
        da="Demoen skal have sin egen mappe, og {path} er ikke tom.",
        remedy_en="Name an empty or a new folder, or leave --data out.",
        remedy_da="Angiv en tom eller en ny mappe, eller udelad --data.",
    ),
}

_TEXTS: Mapping[str, Text] = {
    "welcome": Text(
        en="Publisher's demo. Four departments' systems are simulated on this "
        "machine; all their data are made up. Everything is kept in {data}",
        da="Publishers demo. Fire afdelingers systemer simuleres på denne maskine; "
        "alle deres data er opdigtede. Alt ligger i {data}",
    ),
    "arrival": Text(
        en="The departments deliver for the first time. A few rows cannot be right: "
        "they are refused and kept in quarantine, and the good rows go on.",
        da="Afdelingerne leverer for første gang. Nogle få rækker kan ikke være "
        "rigtige: de afvises og gemmes i karantæne, og de gode rækker går videre.",
    ),
    "faults": Text(
        en="Three things go wrong: a water level sensor is stuck, the traffic system"
        " answers with a login page, and the parking system is down. What was "
        "published stays as it is.",
        da="Tre ting går galt: en vandstandsmåler sidder fast, trafiksystemet svarer"
        " med en login-side, og parkeringssystemet er nede. Det, der er udgivet, "
        "bliver stående.",
    ),
    "recovery": Text(
        en="The departments mend their systems. One water level is corrected "
        "afterwards, and the missing route is told of, so that the rows that "
        "waited for it are let out.",
        da="Afdelingerne retter deres systemer. En vandstand bliver rettet bagefter,"
        " og den manglende strækning er kommet med, så de rækker, der ventede på "
        "den, slipper ud.",
    ),
    "mended": Text(
        en="The departments mend their systems, and one water level is corrected afterwards.",
        da="Afdelingerne retter deres systemer, og en vandstand bliver rettet bagefter.",
    ),
    "silence": Text(
        en="Nothing is new at the departments, and so nothing is done twice.",
        da="Der er intet nyt hos afdelingerne, og derfor gøres intet to gange.",
    ),
    "more": Text(
        en="New measurements.",
        da="Nye målinger.",
    ),
    "committed": Text(
        en="{table}: version {version}, {new} new, {corrected} corrected, {quarantined} refused",
        da="{table}: version {version}, {new} nye, {corrected} rettede, {quarantined} afviste",
    ),
    "released": Text(
        en="{table}: version {version}, {rows} let out of quarantine: what they refer to is there",
        da="{table}: version {version}, {rows} sluppet ud af karantæne: det, de peger på, er der",
    ),
    "unchanged": Text(
        en="{table}: nothing new",
        da="{table}: intet nyt",
    ),
    "held": Text(
        en="{table}: HELD BACK. {problem}",
        da="{table}: HOLDT TILBAGE. {problem}",
    ),
    "failed": Text(
        en="{table}: FAILED. {problem}",
        da="{table}: MISLYKKET. {problem}",
    ),
    "refused": Text(
        en="refused by the rule {rule}, field {field}, row {rows}",
        da="afvist af reglen {rule}, felt {field}, række {rows}",
    ),
    "refused-row": Text(
        en="refused by the rule {rule}, row {rows}",
        da="afvist af reglen {rule}, række {rows}",
    ),
    "published": Text(
        en="published: {datasets}",
        da="udgivet: {datasets}",
    ),
    "look": Text(
        en="Have a look, in another window:",
        da="Se efter i et andet vindue:",
    ),
    "look-rows": Text(
        en="the rows, newest first",
        da="rækkerne, nyeste først",
    ),
    "look-refused": Text(
        en="what was refused, and why",
        da="hvad der blev afvist, og hvorfor",
    ),
    "look-cells": Text(
        en="the refused rows themselves",
        da="selve de afviste rækker",
    ),
    "look-status": Text(
        en="how everything is",
        da="hvordan alt har det",
    ),
    "look-package": Text(
        en="what was published: Data Packages",
        da="det, der er udgivet: Data Packages",
    ),
    "stop": Text(
        en="Ctrl-C ends the demo.",
        da="Ctrl-C slutter demoen.",
    ),
    "ended": Text(
        en="The demo has ended.",
        da="Demoen er slut.",
    ),
    "all-came-about": Text(
        en="Everything that was expected came about, faults included.",
        da="Alt forventet skete, fejlene medregnet.",
    ),
    "not-all-came-about": Text(
        en="Not everything came about as expected:",
        da="Ikke alt skete som forventet:",
    ),
    "other-outcome": Text(
        en="round {round}, {table}: expected {expected}, got {found}",
        da="runde {round}, {table}: ventede {expected}, fik {found}",
    ),
    "other-rows": Text(
        en="{table}: of {expected} rows {missing} are not served as delivered, and "
        "{extra} too many",
        da="{table}: af {expected} rækker udleveres {missing} ikke som leveret, og "
        "{extra} for mange",
    ),
    "other-quarantine": Text(
        en="{table}: {expected} rows expected in quarantine, {found} are there",
        da="{table}: {expected} rækker ventet i karantæne, der er {found}",
    ),
    "not-published": Text(
        en="{table}: {expected} rows expected in the published package, {found} are there",
        da="{table}: {expected} rækker ventet i den udgivne pakke, der er {found}",
    ),
}


def tell(name: str, language: Literal["en", "da"] = "en", **params: object) -> str:
    """Give the sentence *name* in *language*."""
    text = _TEXTS[name]
    return (text.da if language == "da" else text.en).format_map(params)
