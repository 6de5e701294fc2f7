"""The further checks of ``harvest.checks``: what they say, and why one cannot be run."""

from publisher.messages.text import Text

CHECKS: dict[str, Text] = {
    "check-warning": Text(
        en="{check}: {count} rows stay that it speaks against (field: {field}); first rows: {rows}",
        da="{check}: {count} rækker bliver, som den taler imod (felt: {field}); de første: {rows}",
        remedy_en=(
            "look at them in the source; say severity: error under the check to have such rows "
            "refused, or widen its limits where they are right"
        ),
        remedy_da=(
            "se på dem i kilden; skriv severity: error under kontrollen for at få sådanne rækker "
            "afvist, eller udvid dens grænser, hvor de er rigtige"
        ),
    ),
    "failed-check": Text(
        en="the check {check} speaks against the delivery as a whole: {note}",
        da="kontrollen {check} taler imod leverancen som helhed: {note}",
        remedy_en=(
            "have the source mended, correct the check under harvest.checks, or say severity: "
            "warning there to take such deliveries"
        ),
        remedy_da=(
            "få kilden rettet, ret kontrollen under harvest.checks, eller skriv severity: "
            "warning dér for at tage sådanne leverancer"
        ),
    ),
    "check-without-role": Text(
        en="the check {check} needs a field with the role {role}, and the schema has none",
        da="kontrollen {check} kræver et felt med rollen {role}, og skemaet har intet",
        remedy_en="give a field of the schema role: {role}, or leave the check out",
        remedy_da="giv et felt i skemaet role: {role}, eller udelad kontrollen",
    ),
    "check-without-fields": Text(
        en="the check {check} has bounds, but does not say of which fields",
        da="kontrollen {check} har grænser, men siger ikke for hvilke felter",
        remedy_en="add fields, or the unit of the bounds for all fields that it converts to",
        remedy_da="tilføj fields, eller unit for alle felter, som grænserne kan omregnes til",
    ),
    "check-without-interval": Text(
        en="the check {check} does not know how far apart rows should be",
        da="kontrollen {check} ved ikke, hvor langt der bør være mellem rækkerne",
        remedy_en="add interval: PT10M to it, or to the table",
        remedy_da="tilføj interval: PT10M til den eller til tabellen",
    ),
    "check-of-mode": Text(
        en="the check {check} finds nothing here: mode {mode} takes the same row for the same",
        da="kontrollen {check} finder intet her: mode {mode} tager den samme række for den samme",
        remedy_en="list fields other than the key's in mode merge, or leave it out",
        remedy_da="nævn andre felter end nøglens i mode merge, eller udelad den",
    ),
    "check-of-other-type": Text(
        en="the check {check} is for {types}, and the field {field} is of type {type}",
        da="kontrollen {check} er til {types}, og feltet {field} har typen {type}",
        remedy_en="name another field, or correct its type",
        remedy_da="nævn et andet felt, eller ret dets type",
    ),
    "no-plausible-range": Text(
        en='no range is known for the field {field}, whose unit is "{unit}"',
        da='intet område kendes for feltet {field}, hvis enhed er "{unit}"',
        remedy_en="state minimum and maximum",
        remedy_da="angiv minimum og maximum",
    ),
    "unusable-check": Text(
        en="Frictionless cannot run the check {check}: {reason}",
        da="Frictionless kan ikke køre kontrollen {check}: {reason}",
        remedy_en="correct it, or leave it out",
        remedy_da="ret den, eller udelad den",
    ),
    "wrong-checks-option": Text(
        en="--checks is no list of checks: {reason}",
        da="--checks er ikke en liste af kontroller: {reason}",
        remedy_en="""write it as '[{{"type": "duplicate-row"}}]'""",
        remedy_da="""skriv det som '[{{"type": "duplicate-row"}}]'""",
    ),
}
