from publisher.messages.text import Text

HARVEST: dict[str, Text] = {
    # What a delivery or its view was refused for, and what was noticed (validation)
    "too-many-bad": Text(
        en="{bad} of {read} rows are wrong ({share}); at most {limit} may be (maxBad)",
        da="{bad} af {read} rækker er forkerte ({share}); højst {limit} må være det (maxBad)",
        remedy_en=(
            "nothing of the delivery was taken, and the last good version stays; `publisher "
            "status DATASET` shows examples of what is wrong with the rows; have the source "
            "mended, or raise maxBad"
        ),
        remedy_da=(
            "intet af leverancen blev taget, og den sidste gode version bliver stående; "
            "`publisher status DATASET` viser eksempler på, hvad der er galt med rækkerne; få "
            "kilden rettet, eller hæv maxBad"
        ),
    ),
    "unjudgeable": Text(
        en=(
            "judging the delivery broke down {attempts} times (last: {reason}; Publisher "
            "{publisher}); it is set aside, and those behind it go on"
        ),
        da=(
            "bedømmelsen af leverancen brød sammen {attempts} gange (senest: {reason}; "
            "Publisher {publisher}); den er lagt til side, og de næste går videre"
        ),
        remedy_en=(
            "this is a fault of Publisher's: report it with the log's lines. The bytes are kept, "
            "and are judged again by another version, under another view, or when they change"
        ),
        remedy_da=(
            "det er en fejl i Publisher: meld den med loggens linjer. Leverancen er gemt og "
            "bedømmes igen af en anden version, under et andet kildesyn, eller når den ændres"
        ),
    ),
    "missing-column": Text(
        en=(
            "the column {column!r} of field {field!r} is not in the delivery; its columns "
            "are {header}"
        ),
        da=(
            "kolonnen {column!r} til feltet {field!r} er ikke i leverancen; dens kolonner er "
            "{header}"
        ),
        remedy_en=(
            "correct the column under harvest.fields (nearest: {nearest!r}), or ask the "
            "source what has changed"
        ),
        remedy_da=(
            "ret kolonnen under harvest.fields (nærmest: {nearest!r}), eller spørg kilden, "
            "hvad der er ændret"
        ),
        alone_en="correct the column under harvest.fields, or ask the source what has changed",
        alone_da="ret kolonnen under harvest.fields, eller spørg kilden, hvad der er ændret",
    ),
    "doubled-column": Text(
        en="the column {column!r} is in the delivery more than once, at positions {positions}",
        da="kolonnen {column!r} er i leverancen mere end én gang, på plads {positions}",
        remedy_en="ask the source to name its columns apart, or map another column",
        remedy_da="bed kilden om at give kolonnerne hver sit navn, eller brug en anden kolonne",
    ),
    "missing-header": Text(
        en="the delivery has no header in row {rows}; it has {lines} rows, or that row is blank",
        da=(
            "leverancen har ingen overskrifter i række {rows}; den har {lines} rækker, eller "
            "rækken er tom"
        ),
        remedy_en="state the row of the header as harvest.dialect.headerRows",
        remedy_da="angiv overskrifternes række som harvest.dialect.headerRows",
    ),
    "nul-in-header": Text(
        en=(
            "the header holds NUL characters, as text in UTF-16 does when it is read as "
            "another encoding"
        ),
        da=(
            "overskrifterne indeholder NUL-tegn, som tekst i UTF-16 gør, når den læses med "
            "en anden tegnkodning"
        ),
        remedy_en="state the encoding as harvest.encoding, for instance utf-16",
        remedy_da="angiv tegnkodningen som harvest.encoding, for eksempel utf-16",
    ),
    "empty-delivery": Text(
        en="the delivery is empty",
        da="leverancen er tom",
        remedy_en=(
            "see whether the source's export ran to its end; the table keeps its last good version"
        ),
        remedy_da="se, om kildens eksport blev færdig; tabellen beholder sin sidste gode version",
    ),
    "truncated": Text(
        en="the delivery's gzip data are cut off; {size} bytes could be unpacked of them",
        da="leverancens gzip-data er skåret over; {size} byte kunne pakkes ud af dem",
        remedy_en=(
            "have the source hand it over again; it was cut off on the way or while it was written"
        ),
        remedy_da=(
            "få kilden til at aflevere igen; den blev afbrudt undervejs, eller mens den blev "
            "skrevet"
        ),
    ),
    "broken-gzip": Text(
        en="the delivery begins as gzip but cannot be decompressed: {reason}",
        da="leverancen begynder som gzip, men kan ikke pakkes ud: {reason}",
        remedy_en="have the source hand it over again",
        remedy_da="få kilden til at aflevere igen",
    ),
    "too-large-unpacked": Text(
        en="the delivery is larger than {max_bytes} bytes once decompressed",
        da="leverancen fylder mere end {max_bytes} byte, når den er pakket ud",
        remedy_en=(
            "have the source deliver in smaller parts, or raise the setting max_delivery_bytes"
        ),
        remedy_da=(
            "få kilden til at levere i mindre dele, eller hæv indstillingen max_delivery_bytes"
        ),
    ),
    "html-page": Text(
        en="the delivery is a web page, not data; it begins {start!r}",
        da="leverancen er en webside, ikke data; den begynder {start!r}",
        remedy_en="see whether the address has moved or asks for a login",
        remedy_da="se, om adressen er flyttet eller kræver login",
    ),
    "not-text": Text(
        en="the delivery is a file of another kind ({kind}), not text",
        da="leverancen er en anden slags fil ({kind}), ikke tekst",
        remedy_en="state what it is as harvest.format, or have the source export text",
        remedy_da="angiv, hvad den er, som harvest.format, eller få kilden til at eksportere tekst",
    ),
    "huge-line": Text(
        en="the delivery has a line longer than {max_bytes} bytes",
        da="leverancen har en linje på over {max_bytes} byte",
        remedy_en="see whether it is a text file at all, and whether its line ends are there",
        remedy_da="se, om det overhovedet er en tekstfil, og om linjeskiftene er der",
    ),
    "wrong-encoding": Text(
        en="the byte {byte} at offset {offset}, line {line}, is no text in {encoding}",
        da="byten {byte} på plads {offset}, linje {line}, er ikke tekst i {encoding}",
        remedy_en="state the source's encoding as harvest.encoding, for instance windows-1252",
        remedy_da="angiv kildens tegnkodning som harvest.encoding, for eksempel windows-1252",
    ),
    "utf-16-mark": Text(
        en="the delivery begins with the byte order mark of {marked}, not as text in {encoding}",
        da="leverancen begynder med byte order mark for {marked}, ikke som tekst i {encoding}",
        remedy_en="state harvest.encoding: {marked}, or have the source export UTF-8",
        remedy_da="angiv harvest.encoding: {marked}, eller få kilden til at eksportere UTF-8",
    ),
    "unreadable-delivery": Text(
        en="the delivery cannot be read: {reason}",
        da="leverancen kan ikke læses: {reason}",
        remedy_en="see whether harvest.format and harvest.dialect describe what the source sends",
        remedy_da="se, om harvest.format og harvest.dialect beskriver det, kilden sender",
    ),
    "too-large-document": Text(
        en=(
            "the delivery is a document of {size} bytes; one of this kind is read whole and "
            "may have {max_bytes}"
        ),
        da=(
            "leverancen er et dokument på {size} byte; den slags læses i ét stykke og må "
            "fylde {max_bytes}"
        ),
        remedy_en="have the source deliver NDJSON or CSV, or smaller parts",
        remedy_da="få kilden til at levere NDJSON eller CSV, eller mindre dele",
    ),
    "huge-element": Text(
        en="the delivery is a JSON document with a record or value of over {max_chars} characters",
        da="leverancen er et JSON-dokument med en post eller værdi på over {max_chars} tegn",
        remedy_en="see what the source sends, and whether the list of records ends where it should",
        remedy_da="se, hvad kilden sender, og om listen af poster slutter, hvor den skal",
    ),
    "broken-json": Text(
        en="the delivery is no JSON document: {reason}",
        da="leverancen er ikke et JSON-dokument: {reason}",
        remedy_en=(
            "see what the source sends; a document of one object per line is harvest.format: ndjson"
        ),
        remedy_da=(
            "se, hvad kilden sender; et dokument med ét objekt pr. linje er harvest.format: ndjson"
        ),
    ),
    "error-body": Text(
        en="the source answered with an error instead of data: {message}",
        da="kilden svarede med en fejl i stedet for data: {message}",
        remedy_en="see the source's own log, or ask its department",
        remedy_da="se kildens egen log, eller spørg dens afdeling",
    ),
    "no-records": Text(
        en="the delivery has no list of records at {property!r}; it has {found}",
        da="leverancen har ingen liste af poster ved {property!r}; den har {found}",
        remedy_en=(
            "state where the list is as harvest.dialect.json.property, for instance result.records"
        ),
        remedy_da=(
            "angiv, hvor listen er, som harvest.dialect.json.property, for eksempel result.records"
        ),
    ),
    "unreadable-workbook": Text(
        en="the delivery is no workbook that can be read: {reason}",
        da="leverancen er ikke en projektmappe, der kan læses: {reason}",
        remedy_en="have the source save it as .xlsx without a password, or as CSV",
        remedy_da="få kilden til at gemme den som .xlsx uden adgangskode, eller som CSV",
    ),
    "workbook-out-of-bounds": Text(
        en=(
            "the workbook cannot be read within {max_bytes} bytes of memory and {seconds} "
            "seconds; some cells may stand far away from the others"
        ),
        da=(
            "projektmappen kan ikke læses inden for {max_bytes} byte hukommelse og {seconds} "
            "sekunder; måske står nogle celler langt fra de andre"
        ),
        remedy_en=(
            "delete the rows and columns behind the table (Ctrl+End goes to the last cell), or "
            "have the source deliver CSV"
        ),
        remedy_da=(
            "slet rækkerne og kolonnerne efter tabellen (Ctrl+End går til den sidste celle), "
            "eller få kilden til at levere CSV"
        ),
    ),
    "missing-sheet": Text(
        en="the workbook has no sheet {sheet!r}; its sheets are {sheets}",
        da="projektmappen har intet ark {sheet!r}; dens ark er {sheets}",
        remedy_en="state the sheet as harvest.dialect.excel.sheet, by name or by number from 1",
        remedy_da="angiv arket som harvest.dialect.excel.sheet, med navn eller med nummer fra 1",
    ),
    "no-harvest": Text(
        en="the table {table} has no harvest instructions",
        da="tabellen {table} har ingen anvisning på høst",
        remedy_en="describe its source under harvest",
        remedy_da="beskriv dens kilde under harvest",
    ),
    "unknown-encoding": Text(
        en="the encoding {encoding!r} is not known",
        da="tegnkodningen {encoding!r} kendes ikke",
        remedy_en="write harvest.encoding as utf-8, windows-1252, iso-8859-1 or utf-16",
        remedy_da="skriv harvest.encoding som utf-8, windows-1252, iso-8859-1 eller utf-16",
    ),
    "wrong-dialect": Text(
        en="the dialect is none that Frictionless reads: {reason}",
        da="dialekten er ikke en, som Frictionless læser: {reason}",
        remedy_en="correct harvest.dialect",
        remedy_da="ret harvest.dialect",
    ),
    "unusable-field": Text(
        en="the field {field!r} is none that Frictionless reads: {reason}",
        da="feltet {field!r} er ikke et, som Frictionless læser: {reason}",
        remedy_en="correct it in the schema, or its overrides under harvest.fields",
        remedy_da="ret det i skemaet, eller ret dets egenskaber under harvest.fields",
    ),
    "unreadable-constraint": Text(
        en=(
            "the constraint {constraint} of field {field!r} is {value!r}, which is no value "
            "of that field"
        ),
        da=(
            "begrænsningen {constraint} på feltet {field!r} er {value!r}, som ikke er en "
            "værdi af feltet"
        ),
        remedy_en="write the constraint as the field's published values are written",
        remedy_da="skriv begrænsningen, som feltets udgivne værdier skrives",
    ),
    "unknown-view-field": Text(
        en="harvest.fields names {field!r}, which the schema {schema} does not have",
        da="harvest.fields nævner {field!r}, som skemaet {schema} ikke har",
        remedy_en="correct the name, or add the field to the schema",
        remedy_da="ret navnet, eller føj feltet til skemaet",
    ),
    "wrong-constant": Text(
        en="the constant {constant!r} is no value of field {field!r}: {reason}",
        da="konstanten {constant!r} er ikke en værdi af feltet {field!r}: {reason}",
        remedy_en="correct it under harvest.fields",
        remedy_da="ret den under harvest.fields",
    ),
    "unit-without-unit": Text(
        en=(
            "the source's unit of field {field!r} is {unit}, but the schema states none to "
            "convert to"
        ),
        da=(
            "kildens enhed for feltet {field!r} er {unit}, men skemaet angiver ingen enhed "
            "at omregne til"
        ),
        remedy_en="state the field's unit in the schema",
        remedy_da="angiv feltets enhed i skemaet",
    ),
    "unit-of-no-number": Text(
        en="the field {field!r} is of type {type} and cannot be converted between units",
        da="feltet {field!r} har typen {type} og kan ikke omregnes mellem enheder",
        remedy_en="make it a number or an integer, or leave out its unit under harvest.fields",
        remedy_da="gør det til number eller integer, eller udelad enheden under harvest.fields",
    ),
    "unknown-unit": Text(
        en="{unit!r} is no unit of UCUM",
        da="{unit!r} er ikke en enhed i UCUM",
        remedy_en="write the unit as UCUM has it, for instance m, cm, Cel, %, hPa, ug/m3",
        remedy_da="skriv enheden, som UCUM har den, for eksempel m, cm, Cel, %, hPa, ug/m3",
    ),
    "incompatible-units": Text(
        en="{source!r} cannot be converted to {target!r}: they measure different things",
        da="{source!r} kan ikke omregnes til {target!r}: de måler forskellige ting",
        remedy_en="correct the unit in the schema or under harvest.fields",
        remedy_da="ret enheden i skemaet eller under harvest.fields",
    ),
    "nonlinear-unit": Text(
        en="{source!r} cannot be converted to {target!r} by a factor: one of them is logarithmic",
        da="{source!r} kan ikke omregnes til {target!r} med en faktor: en af dem er logaritmisk",
        remedy_en="publish the unit as the source has it",
        remedy_da="udgiv enheden, som kilden har den",
    ),
    "unusable-schema": Text(
        en="the schema or dialect is none that Frictionless reads: {reason}",
        da="skemaet eller dialekten er ikke noget, Frictionless læser: {reason}",
        remedy_en="correct it, or run `publisher check` on the schemas/ folder",
        remedy_da="ret det, eller kør `publisher check` på mappen schemas/",
    ),
    "frictionless-crash": Text(
        en="Frictionless broke down on the file under this schema: {reason}",
        da="Frictionless brød ned på filen under dette skema: {reason}",
        remedy_en=(
            "see whether the schema's bounds have the type of their field, and whether a key "
            "field is an array or object"
        ),
        remedy_da=(
            "se, om skemaets grænser har deres felts type, og om et nøglefelt er en array "
            "eller object"
        ),
    ),
    "unused-columns": Text(
        en="the delivery has columns that no field is read from: {columns}",
        da="leverancen har kolonner, som intet felt læses fra: {columns}",
    ),
    "absent-field": Text(
        en=(
            "the delivery has no column for the optional field {field!r}; new rows have it "
            "empty, merged ones keep what they have"
        ),
        da=(
            "leverancen har ingen kolonne til det valgfri felt {field!r}; nye rækker har det "
            "tomt, flettede beholder det, de har"
        ),
        remedy_en="map the column under harvest.fields if it has another name there",
        remedy_da="angiv kolonnen under harvest.fields, hvis den har et andet navn dér",
    ),
    "replacement-character": Text(
        en="{rows} good rows hold the character U+FFFD: their text was damaged before it came here",
        da=(
            "{rows} gode rækker indeholder tegnet U+FFFD: deres tekst var ødelagt, før den "
            "kom hertil"
        ),
        remedy_en="ask the source for an export in its original encoding",
        remedy_da="bed kilden om en eksport i dens oprindelige tegnkodning",
    ),
    "damaged-labels": Text(
        en=(
            "the header holds the character U+FFFD, its text was damaged before it came "
            "here: {labels}"
        ),
        da=(
            "overskrifterne indeholder tegnet U+FFFD, deres tekst var ødelagt, før den kom "
            "hertil: {labels}"
        ),
        remedy_en="ask the source for an export in its original encoding",
        remedy_da="bed kilden om en eksport i dens oprindelige tegnkodning",
    ),
    "encoding-by-mark": Text(
        en=(
            "the delivery begins with UTF-8's byte order mark and was read as UTF-8, not as "
            "{stated}"
        ),
        da=(
            "leverancen begynder med UTF-8's byte order mark og blev læst som UTF-8, ikke "
            "som {stated}"
        ),
        remedy_en="leave out harvest.encoding if the source now writes UTF-8",
        remedy_da="udelad harvest.encoding, hvis kilden nu skriver UTF-8",
    ),
}
