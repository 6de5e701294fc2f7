"""What is wrong with a file's rows and header, by Frictionless' rule, and what may be the cause.

A rule's text is the latter half of a sentence that begins with the column's name; ``{count}`` is
such as "12 cells (0.4 % of the rows)". A hint stands in place of a rule's remedy where the
examples suggest a cause.
"""

from collections.abc import Mapping

from publisher.messages.text import Text

_CORRECT = "have the cells corrected at the source"
_RET = "få cellerne rettet hos kilden"

_CELLS: dict[str, Text] = {
    "type-error": Text(
        en="not {expected}, in {count}",
        da="ikke {expected}, i {count}",
        remedy_en=f"{_CORRECT}; if it always writes so, describe that by the field's type and"
        " format in the schema",
        remedy_da=f"{_RET}; skriver den altid sådan, så beskriv det med feltets type og format i"
        " skemaet",
    ),
    "constraint-required": Text(
        en="empty, though a value is required, in {count}",
        da="tom, selv om en værdi er påkrævet, i {count}",
        remedy_en='have the values filled in; if they may be left out, remove "required" from the'
        " field in the schema",
        remedy_da='få værdierne udfyldt; må de mangle, så fjern "required" fra feltet i skemaet',
    ),
    "constraint-minimum": Text(
        en="below the smallest allowed value, {expected}, in {count}",
        da="under den mindste tilladte værdi, {expected}, i {count}",
        remedy_en=f'{_CORRECT}; if such values can be right, lower "minimum" in the schema',
        remedy_da=f'{_RET}; kan værdierne være rigtige, så sænk "minimum" i skemaet',
    ),
    "constraint-maximum": Text(
        en="above the largest allowed value, {expected}, in {count}",
        da="over den største tilladte værdi, {expected}, i {count}",
        remedy_en=f'{_CORRECT}; if such values can be right, raise "maximum" in the schema',
        remedy_da=f'{_RET}; kan værdierne være rigtige, så hæv "maximum" i skemaet',
    ),
    "constraint-exclusiveMinimum": Text(
        en="not above {expected}, in {count}",
        da="ikke over {expected}, i {count}",
        remedy_en=f'{_CORRECT}; if such values can be right, lower "exclusiveMinimum" in the'
        " schema",
        remedy_da=f'{_RET}; kan værdierne være rigtige, så sænk "exclusiveMinimum" i skemaet',
    ),
    "constraint-exclusiveMaximum": Text(
        en="not below {expected}, in {count}",
        da="ikke under {expected}, i {count}",
        remedy_en=f'{_CORRECT}; if such values can be right, raise "exclusiveMaximum" in the'
        " schema",
        remedy_da=f'{_RET}; kan værdierne være rigtige, så hæv "exclusiveMaximum" i skemaet',
    ),
    "constraint-minLength": Text(
        en="shorter than the shortest allowed length, {expected}, in {count}",
        da="kortere end den mindste tilladte længde, {expected}, i {count}",
        remedy_en=f'{_CORRECT}; if they can be so short, lower "minLength" in the schema',
        remedy_da=f'{_RET}; kan de være så korte, så sænk "minLength" i skemaet',
    ),
    "constraint-maxLength": Text(
        en="longer than the longest allowed length, {expected}, in {count}",
        da="længere end den største tilladte længde, {expected}, i {count}",
        remedy_en=f'{_CORRECT}; if they can be so long, raise "maxLength" in the schema',
        remedy_da=f'{_RET}; kan de være så lange, så hæv "maxLength" i skemaet',
    ),
    "constraint-pattern": Text(
        en="not written by the pattern {expected}, in {count}",
        da="ikke skrevet efter mønsteret {expected}, i {count}",
        remedy_en=f'{_CORRECT}; if they are written rightly, widen "pattern" in the schema',
        remedy_da=f'{_RET}; er de skrevet rigtigt, så udvid "pattern" i skemaet',
    ),
    "constraint-enum": Text(
        en="none of the allowed values, {expected}, in {count}",
        da="ingen af de tilladte værdier, {expected}, i {count}",
        remedy_en=f'{_CORRECT}; if the value is allowed, add it to "enum" in the schema',
        remedy_da=f'{_RET}; er værdien tilladt, så føj den til "enum" i skemaet',
    ),
    "constraint-other": Text(
        en='against the constraint "{constraint}", {expected}, in {count}',
        da='i strid med betingelsen "{constraint}", {expected}, i {count}',
        remedy_en=f"{_CORRECT}, or change the constraint in the schema",
        remedy_da=f"{_RET}, eller ret betingelsen i skemaet",
    ),
    "unique-error": Text(
        en="the value stands in an earlier row too, in {count}",
        da="værdien står også i en tidligere række, i {count}",
        remedy_en='remove the repeated rows; if values may repeat, remove "unique" from the field'
        " in the schema",
        remedy_da='fjern de gentagne rækker; må værdier gentages, så fjern "unique" fra feltet i'
        " skemaet",
    ),
    "missing-cell": Text(
        en="the row ends before this column, in {count}",
        da="rækken slutter før denne kolonne, i {count}",
        remedy_en="see whether the rows lack a delimiter, or are broken by a line break in a text:"
        " such a text must stand in double quotes",
        remedy_da="se, om rækkerne mangler et skilletegn, eller er brudt af et linjeskift i en"
        " tekst: sådan en tekst skal stå i anførselstegn",
    ),
}

_ROWS: dict[str, Text] = {
    "extra-cell": Text(
        en="more cells than the header has columns, in {count}",
        da="flere celler, end der er kolonner i overskriften, i {count}",
        remedy_en="see whether a text or a number holds the delimiter: it must stand in double"
        " quotes then",
        remedy_da="se, om en tekst eller et tal indeholder skilletegnet: så skal det stå i"
        " anførselstegn",
    ),
    "blank-row": Text(
        en="no value in the whole row, in {count}",
        da="ingen værdi i hele rækken, i {count}",
        remedy_en="remove the blank rows",
        remedy_da="fjern de tomme rækker",
    ),
    "primary-key": Text(
        en="the key ({expected}) is that of an earlier row, in {count}",
        da="nøglen ({expected}) er den samme som i en tidligere række, i {count}",
        remedy_en="remove the repeated rows; if they are different readings, the key in the schema"
        ' ("primaryKey") lacks a field that tells them apart',
        remedy_da="fjern de gentagne rækker; er det forskellige målinger, mangler nøglen i skemaet"
        ' ("primaryKey") et felt, der skiller dem ad',
    ),
    "primary-key-empty": Text(
        en="the key ({expected}) is empty, in {count}",
        da="nøglen ({expected}) er tom, i {count}",
        remedy_en="have the key filled in, or remove the rows",
        remedy_da="få nøglen udfyldt, eller fjern rækkerne",
    ),
    "foreign-key": Text(
        en="the row refers to one that is not there, in {count}: {note}",
        da="rækken henviser til en, der ikke findes, i {count}: {note}",
        remedy_en="correct the reference, or add the row that is referred to",
        remedy_da="ret henvisningen, eller tilføj den række, der henvises til",
    ),
    "other": Text(
        en="{title}, in {count}: {note}",
        da="{title}, i {count} (forklaret på engelsk): {note}",
    ),
}

_FILE: dict[str, Text] = {
    "incorrect-label": Text(
        en="the heading in the file is {label}, where the schema has {field}",
        da="overskriften i filen er {label}, hvor skemaet har {field}",
        remedy_en="rename the column in the file, or the field in the schema; columns stand in the"
        " order of the schema's fields",
        remedy_da="omdøb kolonnen i filen eller feltet i skemaet; kolonner står i samme rækkefølge"
        " som skemaets felter",
    ),
    "missing-label": Text(
        en="the file has no such column",
        da="filen har ingen sådan kolonne",
        remedy_en="have the column added to the file, or remove the field from the schema",
        remedy_da="få kolonnen føjet til filen, eller fjern feltet fra skemaet",
    ),
    "extra-label": Text(
        en="columns that the schema does not have: {labels}",
        da="kolonner, som skemaet ikke har: {labels}",
        remedy_en="remove the columns from the file, or add the fields to the schema",
        remedy_da="fjern kolonnerne fra filen, eller føj felterne til skemaet",
    ),
    "blank-label": Text(
        en="the column has no heading in the file",
        da="kolonnen har ingen overskrift i filen",
        remedy_en="write {field} as its heading",
        remedy_da="skriv {field} som dens overskrift",
    ),
    "duplicate-label": Text(
        en="the heading {label} stands in the file more than once",
        da="overskriften {label} står mere end én gang i filen",
        remedy_en="give each column a heading of its own",
        remedy_da="giv hver kolonne sin egen overskrift",
    ),
    "blank-header": Text(
        en="the file has no header",
        da="filen har ingen overskrifter",
        remedy_en="write the names of the schema's fields in the first line",
        remedy_da="skriv navnene på skemaets felter i første linje",
    ),
    "unmatched-header": Text(
        en="no heading is the name of a field in the schema",
        da="ingen overskrift er navnet på et felt i skemaet",
        remedy_en="see whether this is the right file and the right schema",
        remedy_da="se, om det er den rigtige fil og det rigtige skema",
    ),
    "encoding-error": Text(
        en="the file is not written in the encoding it was read in: {note}",
        da="filen er ikke skrevet i den tegnkodning, den blev læst med: {note}",
        remedy_en="state its own; Danish systems often write windows-1252: --encoding windows-1252",
        remedy_da="angiv dens egen; danske systemer skriver ofte windows-1252: --encoding"
        " windows-1252",
    ),
    "source-error": Text(
        en="the file cannot be read as a table: {note}",
        da="filen kan ikke læses som en tabel: {note}",
        remedy_en="see whether it is whole, and what its name ends with",
        remedy_da="se, om den er hel, og hvad dens navn ender på",
    ),
    "format-error": Text(
        en="the file's format cannot be read: {note}",
        da="filens format kan ikke læses: {note}",
        remedy_en="hand it over as CSV, JSON or NDJSON, with that ending to its name",
        remedy_da="aflever den som CSV, JSON eller NDJSON, med den endelse på navnet",
    ),
    "check-error": Text(
        en="a check cannot be run: {note}",
        da="en kontrol kan ikke køres: {note}",
        remedy_en="correct it under --checks, or leave it out",
        remedy_da="ret den under --checks, eller udelad den",
    ),
    "other-of-file": Text(
        en="{title}: {note}",
        da="{title} (forklaret på engelsk): {note}",
        remedy_en="hand it over as CSV, JSON or NDJSON, which need nothing more to be read",
        remedy_da="aflever den som CSV, JSON eller NDJSON, som kan læses uden mere",
    ),
}

_HINTS: dict[str, Text] = {
    "hint-decimal-comma": Text(
        en='the numbers have a decimal comma: state "decimalChar": "," for the field in the schema,'
        " or have the source write a point",
        da='tallene har decimalkomma: angiv "decimalChar": "," for feltet i skemaet, eller få'
        " kilden til at skrive punktum",
    ),
    "hint-thousands-point": Text(
        en='the numbers have thousands points: state "groupChar": "." and "decimalChar": "," for'
        " the field in the schema, or have the source leave the points out",
        da='tallene har tusindpunktummer: angiv "groupChar": "." og "decimalChar": "," for feltet'
        " i skemaet, eller få kilden til at udelade dem",
    ),
    "hint-decimal-point": Text(
        en='the numbers have a decimal point: if the source always writes so, remove "decimalChar"'
        " from the field in the schema",
        da='tallene har decimalpunktum: skriver kilden altid sådan, så fjern "decimalChar" fra'
        " feltet i skemaet",
    ),
    "hint-point-of-profile": Text(
        en="a point parts thousands in this text profile, and counts only before exactly three"
        " digits and not after a leading zero, as in 1.234,5: if the source writes decimal points,"
        ' state "decimalChar": "." for the field',
        da="et punktum skiller tusinder i denne tekstprofil og gælder kun før præcis tre cifre og"
        " ikke efter et foranstillet nul, som i 1.234,5: skriver kilden decimalpunktum, så angiv"
        ' "decimalChar": "." for feltet',
    ),
    "hint-group-of-profile": Text(
        en="a point parts thousands in this text profile, and counts only before exactly three"
        " digits and not after a leading zero, as in 1.234: have the numbers corrected at the"
        " source",
        da="et punktum skiller tusinder i denne tekstprofil og gælder kun før præcis tre cifre og"
        " ikke efter et foranstillet nul, som i 1.234: få tallene rettet hos kilden",
    ),
    "hint-decimals": Text(
        en='the numbers have decimals: if they may, give the field the type "number" in the schema',
        da='tallene har decimaler: må de det, så giv feltet typen "number" i skemaet',
    ),
    "hint-unit": Text(
        en='something stands beside the number: if it is the unit, state "bareNumber": false for'
        " the field in the schema",
        da='der står noget ved siden af tallet: er det enheden, så angiv "bareNumber": false for'
        " feltet i skemaet",
    ),
    "hint-format": Text(
        en='it seems to be written another way: if so, state "format": "{format}" for the field in'
        " the schema",
        da='det ser ud til at være skrevet på en anden måde: angiv i så fald "format": "{format}"'
        " for feltet i skemaet",
    ),
    "hint-no-offset": Text(
        en="the times do not say how far they are from UTC: have the source write it, or state"
        ' "format": "{format}" for the field in the schema',
        da="tiderne siger ikke, hvor langt de er fra UTC: få kilden til at skrive det, eller angiv"
        ' "format": "{format}" for feltet i skemaet',
    ),
    "hint-other-kind": Text(
        en='if the source always writes so, give the field the type "{type}" with "format":'
        ' "{format}" in the schema',
        da='skriver kilden altid sådan, så giv feltet typen "{type}" med "format": "{format}" i'
        " skemaet",
    ),
    "hint-gap": Text(
        en="the clocks in {timezone} are put forward past this time, so it does not exist: have the"
        " source write normal time all year, and state its offset as the timezone, or have the"
        " times corrected",
        da="urene i {timezone} stilles frem forbi dette tidspunkt, så det findes ikke: få kilden"
        " til at skrive normaltid hele året, og angiv dens forskydning som timezone, eller få"
        " tidspunkterne rettet",
    ),
    "hint-no-such-time": Text(
        en="there is no such day, or no such time of day: have it corrected at the source",
        da="der findes ingen sådan dag, eller intet sådant klokkeslæt: få det rettet hos kilden",
    ),
    "hint-missing-value": Text(
        en='if {texts} stands for no value, add it to "missingValues" in the schema, beside ""',
        da='står {texts} for en manglende værdi, så føj det til "missingValues" i skemaet,'
        ' ved siden af ""',
    ),
    "hint-sentinel": Text(
        en='if {texts} is how the sensor says that it has no value, add it to "missingValues" in'
        ' the schema, beside ""; otherwise have it corrected at the source',
        da="er {texts} sensorens måde at sige, at den ingen værdi har, så føj det til"
        ' "missingValues" i skemaet, ved siden af ""; ellers få det rettet hos kilden',
    ),
    "hint-blanks": Text(
        en="there are blanks before or after the value: have the source leave them out",
        da="der er mellemrum før eller efter værdien: få kilden til at udelade dem",
    ),
    "hint-nearest": Text(
        en="for {texts}, did you mean {nearest}? Capitals and blanks count too",
        da="mentes der {nearest} med {texts}? Store bogstaver og mellemrum tæller med",
    ),
    "hint-encoding": Text(
        en="letters seem to be damaged in {texts}: the file was read in another encoding than it"
        " was written in. State its own, for instance --encoding utf-8 or --encoding windows-1252",
        da="der ser ud til at være ødelagte bogstaver i {texts}: filen er læst med en anden"
        " tegnkodning, end den er skrevet med. Angiv dens egen, for eksempel --encoding utf-8 eller"
        " --encoding windows-1252",
    ),
    "hint-delimiter": Text(
        en="the whole header was read as one column: if the columns are separated by {delimiter},"
        " state it: --dialect '{dialect}'",
        da="hele overskriften er læst som én kolonne: er kolonnerne adskilt af {delimiter}, så"
        " angiv det: --dialect '{dialect}'",
    ),
    "hint-header-first": Text(
        en="the whole header was read as one column: put that right first",
        da="hele overskriften er læst som én kolonne: få det på plads først",
    ),
    "hint-label-case": Text(
        en="the two differ in capitals, blanks or signs only: rename the column in the file, or"
        " the field in the schema",
        da="de to er kun forskellige i store bogstaver, mellemrum eller tegn: omdøb kolonnen i"
        " filen eller feltet i skemaet",
    ),
    "hint-label-misspelt": Text(
        en="it may be a misspelling: rename the column in the file, or the field in the schema",
        da="det kan være en stavefejl: omdøb kolonnen i filen eller feltet i skemaet",
    ),
    "hint-label-order": Text(
        en="the schema has {label} in another place: put the columns in the order of its fields",
        da="skemaet har {label} et andet sted: sæt kolonnerne i samme rækkefølge som dets felter",
    ),
}

FINDINGS: dict[str, Text] = {**_CELLS, **_ROWS, **_FILE, **_HINTS}

KINDS: Mapping[str, tuple[str, str]] = {
    "number": ("a number written like {example}", "et tal skrevet som {example}"),
    "integer": ("a whole number written like {example}", "et helt tal skrevet som {example}"),
    "boolean": ("one of {example}", "en af {example}"),
    "date": ("a date written like {example}", "en dato skrevet som {example}"),
    "time": ("a time of day written like {example}", "et klokkeslæt skrevet som {example}"),
    "datetime": (
        "a date and time written like {example}",
        "en dato med klokkeslæt skrevet som {example}",
    ),
    "year": ("a year written like {example}", "et årstal skrevet som {example}"),
    "yearmonth": ("a month written like {example}", "en måned skrevet som {example}"),
    "duration": ("a duration written like {example}", "en varighed skrevet som {example}"),
    "geopoint": ("a point written like {example}", "et punkt skrevet som {example}"),
    "geojson": ("a GeoJSON object", "et GeoJSON-objekt"),
    "array": ("a JSON array written like {example}", "en JSON-liste skrevet som {example}"),
    "object": ("a JSON object written like {example}", "et JSON-objekt skrevet som {example}"),
    "list": ("a list written like {example}", "en liste skrevet som {example}"),
    "string": ("a text", "en tekst"),
    "string/email": ("an e-mail address", "en e-mailadresse"),
    "string/uri": ("a web address", "en webadresse"),
    "string/uuid": ("a UUID", "et UUID"),
    "other": ("of the type {example}", "af typen {example}"),
}
"""What a type asks for, by Table Schema's type, or type and format."""
