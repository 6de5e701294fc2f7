"""The further checks of ``harvest.checks``: what they find, and why one cannot be run.

What is found is told as in `publisher.messages.findings`, by the check's name.
"""

from publisher.messages.text import Text

_SENSOR = "have the sensor looked at"
_SENSOREN = "få sensoren set efter"
_CORRECT = "have it corrected at the source"
_RET = "få det rettet hos kilden"

_OURS: dict[str, Text] = {
    "plausible-range": Text(
        en="outside what is plausible, {expected}, in {count}",
        da="uden for det troværdige, {expected}, i {count}",
        remedy_en=f"{_SENSOR}, and whether the unit is the right one; if the values can be right,"
        " state minimum and maximum in the check",
        remedy_da=f"{_SENSOREN}, og se, om enheden er den rigtige; kan værdierne være rigtige, så"
        " angiv minimum og maximum i kontrollen",
    ),
    "sentinel-value": Text(
        en="a number that stands for no reading, in {count}",
        da="et tal, der står for en manglende måling, i {count}",
        remedy_en='add it to "missingValues" in the schema, beside ""; if it is a reading, list'
        " other values in the check",
        remedy_da='føj det til "missingValues" i skemaet, ved siden af ""; er det en måling, så'
        " angiv andre values i kontrollen",
    ),
    "clock-ahead": Text(
        en="later than the file was received, in {count}",
        da="senere end filen blev modtaget, i {count}",
        remedy_en="have the sensor's clock set, and see whether the time zone is the right one",
        remedy_da="få sensorens ur stillet, og se, om tidszonen er den rigtige",
    ),
    "known-row": Text(
        en="an earlier delivery has brought the row, in {count}",
        da="en tidligere leverance har bragt rækken, i {count}",
        remedy_en="have the source send new rows only, or take them with mode merge and a key",
        remedy_da="få kilden til kun at sende nye rækker, eller tag dem med mode merge og en nøgle",
    ),
    "flat-line": Text(
        en="the value has stayed the same too long, in {count}",
        da="værdien har været den samme for længe, i {count}",
        remedy_en=f"{_SENSOR}: it may be stuck; if the value can rest so long, lengthen the check's"
        " for or rows",
        remedy_da=f"{_SENSOREN}: den kan have sat sig fast; kan værdien stå så længe stille, så"
        " forlæng kontrollens for eller rows",
    ),
    "step-change": Text(
        en="the value changes too much from one row to the next, in {count}",
        da="værdien ændrer sig for meget fra en række til den næste, i {count}",
        remedy_en=f"{_SENSOR}; if the value can change so much, raise the check's maximum",
        remedy_da=f"{_SENSOREN}; kan værdien ændre sig så meget, så hæv kontrollens maximum",
    ),
    "missing-interval": Text(
        en="rows are missing before it, in {count}",
        da="der mangler rækker før den, i {count}",
        remedy_en="ask the source for the missing rows; if rows may be so far apart, lengthen the"
        " interval",
        remedy_da="bed kilden om de manglende rækker; må der være så langt mellem rækkerne, så"
        " forlæng interval",
    ),
    "falling-total": Text(
        en="a total that is lower than one before it, in {count}",
        da="en total, der er lavere end en tidligere, i {count}",
        remedy_en=f"{_SENSOR}: it may have been changed; if its total may start over, state"
        " resets: true in the check",
        remedy_da=f"{_SENSOREN}: den kan være skiftet; må totalen begynde forfra, så angiv"
        " resets: true i kontrollen",
    ),
}

_THEIRS: dict[str, Text] = {
    "ascii-value": Text(
        en="letters that are not in ASCII, in {count}",
        da="bogstaver, der ikke findes i ASCII, i {count}",
        remedy_en=_CORRECT,
        remedy_da=_RET,
    ),
    "deviated-cell": Text(
        en="cells are much longer than the others of their column: {note}",
        da="celler er meget længere end de andre i deres kolonne: {note}",
        remedy_en=f"{_CORRECT}; if they are right, raise the check's interval",
        remedy_da=f"{_RET}; er de rigtige, så hæv kontrollens interval",
    ),
    "deviated-value": Text(
        en="numbers are far from the others of their column: {note}",
        da="tal ligger langt fra de andre i deres kolonne: {note}",
        remedy_en=f"{_CORRECT}; if they are right, raise the check's interval",
        remedy_da=f"{_RET}; er de rigtige, så hæv kontrollens interval",
    ),
    "duplicate-row": Text(
        en="all values are those of an earlier row, in {count}",
        da="alle værdier er de samme som i en tidligere række, i {count}",
        remedy_en="remove the repeated rows",
        remedy_da="fjern de gentagne rækker",
    ),
    "forbidden-value": Text(
        en="a value that the check forbids, in {count}",
        da="en værdi, som kontrollen forbyder, i {count}",
        remedy_en=f"{_CORRECT}; if the value may be there, remove it from the check",
        remedy_da=f"{_RET}; må værdien være der, så fjern den fra kontrollen",
    ),
    "required-value": Text(
        en="a value that the check requires is not there: {note}",
        da="en værdi, som kontrollen kræver, er der ikke: {note}",
        remedy_en="see whether the file is whole; if the value may be missing, remove it from the"
        " check",
        remedy_da="se, om filen er hel; må værdien mangle, så fjern den fra kontrollen",
    ),
    "sequential-value": Text(
        en="not one more than in the row before, in {count}",
        da="ikke én mere end i rækken før, i {count}",
        remedy_en="see whether rows are missing or stand in another order",
        remedy_da="se, om der mangler rækker, eller de står i en anden rækkefølge",
    ),
    "truncated-value": Text(
        en="the value seems to be cut off, in {count}",
        da="værdien ser ud til at være skåret af, i {count}",
        remedy_en="see whether the source stores so long a text, or so large a number",
        remedy_da="se, om kilden kan gemme så lang en tekst eller så stort et tal",
    ),
    "row-constraint": Text(
        en="the row is not as the check's formula says, in {count}: {note}",
        da="rækken er ikke, som kontrollens formel siger, i {count}: {note}",
        remedy_en=f"{_CORRECT}, or correct the formula",
        remedy_da=f"{_RET}, eller ret formlen",
    ),
    "table-dimensions": Text(
        en="more or fewer rows or columns than the check allows: {note}",
        da="flere eller færre rækker eller kolonner, end kontrollen tillader: {note}",
        remedy_en="see whether the file is whole, and the right one",
        remedy_da="se, om filen er hel og den rigtige",
    ),
}

CHECKS: dict[str, Text] = {
    **_OURS,
    **_THEIRS,
    "check-warning": Text(
        en="the check {check} warns of rows that stay (field: {field}, number: {count}, first rows:"
        " {rows})",
        da="kontrollen {check} advarer om rækker, der bliver (felt: {field}, antal: {count},"
        " de første rækker: {rows})",
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
    "delivery-warning": Text(
        en="the check {check} warns of the whole: {note}",
        da="kontrollen {check} advarer om helheden: {note}",
        remedy_en=(
            "look at it in the source; say severity: error under the check to have such a whole "
            "refused, or widen its limits where it is right"
        ),
        remedy_da=(
            "se på det i kilden; skriv severity: error under kontrollen for at få sådan en helhed "
            "afvist, eller udvid dens grænser, hvor det er rigtigt"
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
    "wrong-check": Text(
        en="A further check cannot be read: {reason}",
        da="En yderligere kontrol kan ikke læses: {reason}",
        remedy_en="Write it as the page on checks has it (docs/checks.md).",
        remedy_da="Skriv den, som siden om kontroller viser (docs/da/checks.md).",
    ),
    "wrong-checks-option": Text(
        en="--checks is no list of checks: {reason}",
        da="--checks er ikke en liste af kontroller: {reason}",
        remedy_en="""write it as '[{{"type": "duplicate-row"}}]'""",
        remedy_da="""skriv det som '[{{"type": "duplicate-row"}}]'""",
    ),
}
