"""Descriptor files that cannot be read, and keys and values that are wrong by themselves."""

from publisher.messages.text import Text

DESCRIPTORS: dict[str, Text] = {
    "unreadable-file": Text(
        en="the file cannot be read: {reason}",
        da="filen kan ikke læses: {reason}",
        remedy_en="let the user that Publisher runs as read it",
        remedy_da="giv den bruger, som Publisher kører som, lov til at læse den",
    ),
    "file-too-large": Text(
        en="the file is larger than {megabytes} MB",
        da="filen er større end {megabytes} MB",
        remedy_en="a dataset file or schema describes data and holds none: move the data elsewhere",
        remedy_da=(
            "en datasætfil eller et skema beskriver data og indeholder dem ikke: flyt data et "
            "andet sted hen"
        ),
    ),
    "not-utf-8": Text(
        en="the file is not written in UTF-8",
        da="filen er ikke skrevet i UTF-8",
        remedy_en="save it with the encoding UTF-8",
        remedy_da="gem den med tegnkodningen UTF-8",
    ),
    "control-character": Text(
        en="the file holds the character {character}, which YAML does not allow",
        da="filen indeholder tegnet {character}, som YAML ikke tillader",
        remedy_en="delete the character",
        remedy_da="slet tegnet",
    ),
    "yaml-colon": Text(
        en="a colon stands where none can be",
        da="der står et kolon, hvor der ikke kan stå et",
        remedy_en="put a text that holds a colon in quotes, and indent keys of one level alike",
        remedy_da="sæt en tekst med kolon i anførselstegn, og indryk nøgler på samme niveau ens",
    ),
    "yaml-no-colon": Text(
        en="a key has no colon",
        da="en nøgle mangler sit kolon",
        remedy_en='write "key: value", with a space after the colon',
        remedy_da='skriv "nøgle: værdi" med et mellemrum efter kolonet',
    ),
    "yaml-indent": Text(
        en="the line does not fit those above it",
        da="linjen passer ikke til dem over den",
        remedy_en='indent keys of one level alike, and begin every item of a list with "- "',
        remedy_da='indryk nøgler på samme niveau ens, og begynd hvert punkt i en liste med "- "',
    ),
    "yaml-quote": Text(
        en="a text in quotes is not closed",
        da="en tekst i anførselstegn er ikke afsluttet",
        remedy_en="add the missing quote",
        remedy_da="tilføj det manglende anførselstegn",
    ),
    "yaml-bracket": Text(
        en="a list or mapping in brackets is not closed",
        da="en liste eller nøgler i klammer er ikke afsluttet",
        remedy_en="add the missing bracket or comma",
        remedy_da="tilføj den manglende klamme eller det manglende komma",
    ),
    "yaml-character": Text(
        en="the line begins with a character that YAML does not allow there",
        da="linjen begynder med et tegn, som YAML ikke tillader dér",
        remedy_en=(
            "indent with spaces, not tabs, and put a text that begins with @, % or ` in quotes"
        ),
        remedy_da=(
            "indryk med mellemrum, ikke tabulator, og sæt en tekst, der begynder med @, % eller"
            " `, i anførselstegn"
        ),
    ),
    "yaml-syntax": Text(
        en="the file is no YAML: {problem}",
        da="filen er ikke YAML: {problem}",
        remedy_en="correct the line, or compare it with a file that works",
        remedy_da="ret linjen, eller sammenlign den med en fil, der virker",
    ),
    "json-syntax": Text(
        en="the file is no JSON: {problem}",
        da="filen er ikke JSON: {problem}",
        remedy_en="correct the line, or compare it with a file that works",
        remedy_da="ret linjen, eller sammenlign den med en fil, der virker",
    ),
    "yaml-tag": Text(
        en="the tag {tag} is not allowed",
        da="mærket {tag} er ikke tilladt",
        remedy_en="leave the tag out",
        remedy_da="udelad mærket",
    ),
    "unknown-alias": Text(
        en="the alias *{alias} stands for nothing above it",
        da="aliasset *{alias} står ikke for noget over det",
        remedy_en="write &{alias} at what it is to stand for, or write the value out",
        remedy_da="skriv &{alias} ved det, som det skal stå for, eller skriv værdien ud",
    ),
    "too-deep": Text(
        en="the file has more than {depth} levels",
        da="filen har mere end {depth} niveauer",
        remedy_en="write it with fewer levels",
        remedy_da="skriv den med færre niveauer",
    ),
    "too-many-values": Text(
        en="with its aliases written out, the file holds more than {most} values",
        da="med alle aliasser skrevet ud har filen mere end {most} værdier",
        remedy_en="use fewer aliases",
        remedy_da="brug færre aliasser",
    ),
    "several-documents": Text(
        en="the file holds a second document",
        da="filen indeholder et dokument mere",
        remedy_en="write one dataset or schema to a file, and no second line of ---",
        remedy_da="skriv ét datasæt eller skema i hver fil, og ingen anden linje med ---",
    ),
    "number-out-of-range": Text(
        en="the number {value} cannot be used",
        da="tallet {value} kan ikke bruges",
        remedy_en="write a number of at most 18 digits, or a text in quotes",
        remedy_da="skriv et tal på højst 18 cifre, eller en tekst i anførselstegn",
    ),
    "date-not-text": Text(
        en="YAML reads {value} as a date",
        da="YAML læser {value} som en dato",
        remedy_en='put it in quotes: "{value}"',
        remedy_da='sæt den i anførselstegn: "{value}"',
    ),
    "doubled-key": Text(
        en='the key "{key}" stands here and in line {first}',
        da='nøglen "{key}" står her og i linje {first}',
        remedy_en="keep one of the two",
        remedy_da="behold den ene af de to",
    ),
    "key-not-text": Text(
        en='YAML does not read the key "{key}" as text',
        da='YAML læser ikke nøglen "{key}" som tekst',
        remedy_en="put the key in quotes",
        remedy_da="sæt nøglen i anførselstegn",
    ),
    "missing-key": Text(
        en='the key "{key}" is missing in {at}',
        da='nøglen "{key}" mangler i {at}',
        remedy_en="add it",
        remedy_da="tilføj den",
    ),
    "no-value": Text(
        en='nothing is written for the key "{key}"',
        da='der står intet ved nøglen "{key}"',
        remedy_en="write its value, or leave the key out",
        remedy_da="skriv dens værdi, eller udelad nøglen",
    ),
    "unknown-key": Text(
        en='the key "{key}" is not known in {at}',
        da='nøglen "{key}" kendes ikke i {at}',
        remedy_en='did you mean "{nearest}"?',
        remedy_da='mente du "{nearest}"?',
    ),
    "misplaced-key": Text(
        en='the key "{key}" does not belong in {at}',
        da='nøglen "{key}" hører ikke til i {at}',
        remedy_en="move it to {place}",
        remedy_da="flyt den til {place}",
    ),
    "unknown-key-here": Text(
        en='the key "{key}" is not known in {at}',
        da='nøglen "{key}" kendes ikke i {at}',
        remedy_en="leave it out; known here are {known}",
        remedy_da="udelad den; her kendes {known}",
    ),
    "unknown-value": Text(
        en='{key} cannot be "{value}"',
        da='{key} kan ikke være "{value}"',
        remedy_en='did you mean "{nearest}"? Allowed are {allowed}',
        remedy_da='mente du "{nearest}"? Tilladt er {allowed}',
        alone_en="allowed are {allowed}",
        alone_da="tilladt er {allowed}",
    ),
    "wants-text": Text(
        en="{key} is to be a text",
        da="{key} skal være en tekst",
        remedy_en=(
            "write one text; put one that looks like a number, a date or yes and no in quotes: "
            '"{value}"'
        ),
        remedy_da=(
            "skriv én tekst; sæt en, der ligner et tal, en dato eller ja og nej, i "
            'anførselstegn: "{value}"'
        ),
    ),
    "not-whole-number": Text(
        en="{key} is to be a whole number",
        da="{key} skal være et helt tal",
        remedy_en="write it with digits, without quotes",
        remedy_da="skriv det med cifre, uden anførselstegn",
    ),
    "not-number": Text(
        en="{key} is to be a number",
        da="{key} skal være et tal",
        remedy_en="write it with digits and a decimal point, without quotes",
        remedy_da="skriv det med cifre og decimalpunktum, uden anførselstegn",
    ),
    "not-true-or-false": Text(
        en="{key} is to be true or false",
        da="{key} skal være true eller false",
        remedy_en="write true or false, without quotes",
        remedy_da="skriv true eller false, uden anførselstegn",
    ),
    "not-a-list": Text(
        en="{key} is to be a list",
        da="{key} skal være en liste",
        remedy_en='write it in square brackets, such as [a, b], or with a "- " before each item',
        remedy_da='skriv den i kantede klammer, som [a, b], eller med "- " foran hvert punkt',
    ),
    "not-a-mapping": Text(
        en="{key} is to hold keys with values",
        da="{key} skal indeholde nøgler med værdier",
        remedy_en='write "key: value" below it, indented',
        remedy_da='skriv "nøgle: værdi" under den, indrykket',
    ),
    "empty": Text(
        en="{key} is empty",
        da="{key} er tom",
        remedy_en="fill it in, or leave it out where it is not needed",
        remedy_da="udfyld den, eller udelad den, hvor den ikke er nødvendig",
    ),
    "too-long": Text(
        en="{key} is longer than {max_length} characters",
        da="{key} er længere end {max_length} tegn",
        remedy_en="shorten it",
        remedy_da="forkort den",
    ),
    "too-small": Text(
        en="{key} is too small",
        da="{key} er for lille",
        remedy_en="write a larger number",
        remedy_da="skriv et større tal",
    ),
    "wrong-value": Text(
        en="{key} is wrong: {reason}",
        da="{key} er forkert: {reason}",
        remedy_en="correct it",
        remedy_da="ret den",
    ),
    "wrong-table-name": Text(
        en='"{value}" names no table',
        da='"{value}" er ikke navnet på en tabel',
        remedy_en='name it like dataset/table, both in lower-case letters a-z, digits, "_" and "-"',
        remedy_da='navngiv den som datasæt/tabel, begge med små bogstaver a-z, cifre, "_" og "-"',
    ),
    "wrong-name": Text(
        en=(
            '"{value}" is no name: names have lower-case letters a-z, digits, "_" and "-", and '
            "begin with a letter or digit"
        ),
        da=(
            '"{value}" er ikke et navn: navne har små bogstaver a-z, cifre, "_" og "-" og '
            "begynder med et bogstav eller ciffer"
        ),
        remedy_en=(
            'write for instance vandstand-ribe; names that begin with "_" are Publisher\'s own'
        ),
        remedy_da=(
            'skriv for eksempel vandstand-ribe; navne, der begynder med "_", er Publishers egne'
        ),
    ),
    "wrong-field-name": Text(
        en=(
            '{key} is "{value}", which is no field name: they have letters a-z, digits, "_" and'
            ' ".", a letter first, no "__" and no "_" at the end'
        ),
        da=(
            '{key} er "{value}", som ikke er et feltnavn: de har bogstaver a-z, cifre, "_" og '
            '".", et bogstav først, intet "__" og intet "_" til sidst'
        ),
        remedy_en="rename the field, and name the source's column under harvest.fields",
        remedy_da="omdøb feltet, og nævn kildens kolonne under harvest.fields",
    ),
    "wrong-duration": Text(
        en='{key} is "{value}", which is no length of time',
        da='{key} er "{value}", som ikke er et tidsrum',
        remedy_en="write it as ISO 8601 does: PT15M is 15 minutes, PT1H an hour, P1D a day",
        remedy_da="skriv det som i ISO 8601: PT15M er 15 minutter, PT1H en time, P1D et døgn",
    ),
    "wrong-share": Text(
        en='{key} is "{value}", which is no share',
        da='{key} er "{value}", som ikke er en andel',
        remedy_en="write it like 5%, between 0% and 100%",
        remedy_da="skriv den som 5%, mellem 0% og 100%",
    ),
    "wrong-zone": Text(
        en='{key} is "{value}", which is no time zone',
        da='{key} er "{value}", som ikke er en tidszone',
        remedy_en=(
            'write Europe/Copenhagen for Danish time with summer time, "+01:00" in quotes for '
            "normal time all year"
        ),
        remedy_da=(
            'skriv Europe/Copenhagen for dansk tid med sommertid, "+01:00" i anførselstegn for '
            "normaltid hele året"
        ),
    ),
    "wrong-version": Text(
        en='{key} is "{value}", which is no version',
        da='{key} er "{value}", som ikke er en version',
        remedy_en="write three numbers, such as {example}",
        remedy_da="skriv tre tal, som {example}",
    ),
    "wrong-decimal": Text(
        en='{key} is "{value}", which is no number of digits',
        da='{key} er "{value}", som ikke er et antal cifre',
        remedy_en=(
            "write the digits in all, at most 38, and those behind the point in quotes, such as"
            ' "10,2"'
        ),
        remedy_da='skriv cifre i alt, højst 38, og dem efter kommaet i anførselstegn, som "10,2"',
    ),
    "wrong-email": Text(
        en='{key} is "{value}", which is no e-mail address',
        da='{key} er "{value}", som ikke er en e-mailadresse',
        remedy_en="write one like data@example.org",
        remedy_da="skriv en som data@example.org",
    ),
    "wrong-created": Text(
        en='{key} is "{value}", which is no point in time',
        da='{key} er "{value}", som ikke er et tidspunkt',
        remedy_en='write it like "2026-01-31T12:00:00Z"',
        remedy_da='skriv det som "2026-01-31T12:00:00Z"',
    ),
    "wrong-day": Text(
        en='{key} is "{value}", which is no day',
        da='{key} er "{value}", som ikke er en dag',
        remedy_en='write it in quotes like "2026-01-31"',
        remedy_da='skriv den i anførselstegn som "2026-01-31"',
    ),
    "end-before-start": Text(
        en="the time covered ends before it begins",
        da="den dækkede tid slutter, før den begynder",
        remedy_en="put the earlier day under `start`",
        remedy_da="sæt den tidligste dag under `start`",
    ),
    "edr-place": Text(
        en="{key} does not say where by the key that its query takes",
        da="{key} siger ikke hvor med den nøgle, som dens query tager",
        remedy_en="state box for area and cube, coords for position, location for locations",
        remedy_da="angiv box til area og cube, coords til position, location til locations",
    ),
    "wrong-bbox": Text(
        en="{key} is no box of the Earth's surface",
        da="{key} er ikke et udsnit af Jordens overflade",
        remedy_en="write [west, south, east, north] in degrees, such as [10.3, 56.2, 10.9, 56.5]",
        remedy_da="skriv [vest, syd, øst, nord] i grader, som [10.3, 56.2, 10.9, 56.5]",
    ),
    "unknown-fact": Text(
        en="{key} names {{{fact}}}, which is not known of it",
        da="{key} nævner {{{fact}}}, som ikke vides om det",
        remedy_en="did you mean {{{nearest}}}? Known are: {known}",
        remedy_da="mente du {{{nearest}}}? Kendte er: {known}",
        alone_en="known are: {known}",
        alone_da="kendte er: {known}",
    ),
    "field-not-free": Text(
        en="{key} is a field that Publisher fills itself",
        da="{key} er et felt, som Publisher selv udfylder",
        remedy_en="leave the line out; the dataset file says what stands there",
        remedy_da="udelad linjen; datasætfilen siger, hvad der står dér",
    ),
    "wrong-keep": Text(
        en='{key} has "{value}", which cannot be left to the editors',
        da='{key} har "{value}", som ikke kan overlades til redaktørerne',
        remedy_en="write the site's name of the field, such as notes, tags, groups, extras.NAME "
        "or resources.description",
        remedy_da="skriv sitets navn på feltet, som notes, tags, groups, extras.NAVN "
        "eller resources.description",
    ),
    "wrong-hvd-category": Text(
        en='{key} has "{value}", which is no category of high-value datasets',
        da='{key} har "{value}", som ikke er en kategori af datasæt af høj værdi',
        remedy_en="write geospatial, earth-observation-and-environment, meteorological, "
        "statistics, companies or mobility, or a code such as c_3af3368c",
        remedy_da="skriv geospatial, earth-observation-and-environment, meteorological, "
        "statistics, companies eller mobility, eller en kode som c_3af3368c",
    ),
    "wrong-language": Text(
        en='{key} has "{value}", which is no language',
        da='{key} har "{value}", som ikke er et sprog',
        remedy_en="write two letters, such as da or en",
        remedy_da="skriv to bogstaver, som da eller en",
    ),
    "wrong-municipality": Text(
        en='{key} is "{value}", which is no municipality\'s code',
        da='{key} er "{value}", som ikke er en kommunekode',
        remedy_en='write its four digits in quotes, such as "0561"',
        remedy_da='skriv dens fire cifre i anførselstegn, som "0561"',
    ),
    "column-and-constant": Text(
        en="{key} has both a column and a constant",
        da="{key} har både en kolonne og en konstant",
        remedy_en="keep column where the source writes the value, constant where it does not",
        remedy_da="behold column, hvor kilden skriver værdien, constant, hvor den ikke gør",
    ),
    "every-and-cron": Text(
        en="{key} has both every and cron",
        da="{key} har både every og cron",
        remedy_en="keep one of the two",
        remedy_da="behold den ene af de to",
    ),
    "flat-line-of-no-length": Text(
        en="{key} says neither for nor rows",
        da="{key} siger hverken for eller rows",
        remedy_en="add for: PT6H, or rows: 36: how long a value may stay the same",
        remedy_da="tilføj for: PT6H eller rows: 36: hvor længe en værdi må være den samme",
    ),
    "range-of-nothing": Text(
        en="{key} has a minimum above its maximum, so no value passes",
        da="{key} har et minimum over sit maximum, så ingen værdi slipper igennem",
        remedy_en="correct one of the two",
        remedy_da="ret en af de to",
    ),
    "no-catalog": Text(
        en="{root} holds no folder catalog/",
        da="{root} har ingen mappe catalog/",
        remedy_en="give the folder that holds catalog/ and schemas/ with --root",
        remedy_da="angiv mappen med catalog/ og schemas/ med --root",
    ),
    "ignored-file": Text(
        en="the file is not read: its name ends in neither .yaml, .yml nor .json",
        da="filen læses ikke: dens navn ender hverken på .yaml, .yml eller .json",
        remedy_en="rename or remove it",
        remedy_da="omdøb eller fjern den",
    ),
    "doubled-listing": Text(
        en="{name} stands in {other} too",
        da="{name} står også i {other}",
        remedy_en="keep one of the two files",
        remedy_da="behold den ene af de to filer",
    ),
}
