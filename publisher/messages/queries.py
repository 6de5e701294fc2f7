"""What is wrong with the parameters of a query."""

from publisher.messages.text import Text

_NEAR_EN = "Did you mean {nearest}?"
_NEAR_DA = "Mente du {nearest}?"

QUERIES: dict[str, Text] = {
    "wrong-parameters": Text(
        en="{count} parameters are wrong",
        da="{count} parametre er forkerte",
        remedy_en="They are explained under errors, the first 20 of them.",
        remedy_da="De er forklaret under errors, de første 20 af dem.",
    ),
    "many-parameters": Text(
        en="There are more than {most} parameters",
        da="Der er flere end {most} parametre",
        remedy_en="Use lists with __in instead.",
        remedy_da="Brug lister med __in i stedet.",
    ),
    "takes-no-parameters": Text(
        en="This address takes no parameters, so “{value}” means nothing",
        da="Denne adresse har ingen parametre, så “{value}” betyder intet",
        remedy_en="Leave it out.",
        remedy_da="Udelad den.",
    ),
    "unknown-parameter": Text(
        en="There is no parameter or field “{value}”",
        da="Der er ingen parameter og intet felt “{value}”",
        remedy_en="Those there are stand under allowed.",
        remedy_da="De mulige står under allowed.",
    ),
    "unknown-parameter-near": Text(
        en="There is no parameter or field “{value}”",
        da="Der er ingen parameter og intet felt “{value}”",
        remedy_en=_NEAR_EN,
        remedy_da=_NEAR_DA,
    ),
    "unknown-field": Text(
        en="{parameter} names “{value}”, and there is no such field",
        da="{parameter} nævner “{value}”, og det felt findes ikke",
        remedy_en="Those there are stand under allowed.",
        remedy_da="De mulige står under allowed.",
    ),
    "unknown-field-near": Text(
        en="{parameter} names “{value}”, and there is no such field",
        da="{parameter} nævner “{value}”, og det felt findes ikke",
        remedy_en=_NEAR_EN,
        remedy_da=_NEAR_DA,
    ),
    "unknown-operator": Text(
        en="In {parameter}, “{value}” is no operator",
        da="I {parameter} er “{value}” ingen operator",
        remedy_en="Those there are stand under allowed.",
        remedy_da="De mulige står under allowed.",
    ),
    "unknown-operator-near": Text(
        en="In {parameter}, “{value}” is no operator",
        da="I {parameter} er “{value}” ingen operator",
        remedy_en=_NEAR_EN,
        remedy_da=_NEAR_DA,
    ),
    "operator-not-for-type": Text(
        en="“{value}” cannot be asked of {field}, whose type is {type}",
        da="“{value}” kan ikke bruges på {field}, som har typen {type}",
        remedy_en="Operators for this type stand under allowed.",
        remedy_da="Operatorer til denne type står under allowed.",
    ),
    "not-an-export-format": Text(
        en="“{value}” is no format of an export",
        da="“{value}” er intet format for en eksport",
        remedy_en="Choose one of {choices}.",
        remedy_da="Vælg et af {choices}.",
    ),
    "not-a-query": Text(
        en="{parameter} is no query of a URL: “{value}”",
        da="{parameter} er ingen forespørgsel fra en URL: “{value}”",
        remedy_en="Write NAME=VALUE, several with & between them.",
        remedy_da="Skriv NAVN=VÆRDI, flere med & imellem.",
    ),
    "expand-and-since": Text(
        en="expand cannot stand beside changed_since, which tells of one table's changes",
        da="expand kan ikke stå ved siden af changed_since, som fortæller om én tabels ændringer",
        remedy_en="Ask for the changes of both tables.",
        remedy_da="Spørg om ændringerne i begge tabeller.",
    ),
    "exports-waiting": Text(
        en="{most} exports are being made already",
        da="Der laves allerede {most} eksporter",
        remedy_en="Ask again in a moment.",
        remedy_da="Spørg igen om et øjeblik.",
    ),
    "sheet-too-small": Text(
        en="A workbook holds {most} rows at most, and more match",
        da="En projektmappe rummer højst {most} rækker, og flere passer",
        remedy_en="Narrow the rows, or ask for csv or parquet.",
        remedy_da="Indsnævr rækkerne, eller bed om csv eller parquet.",
    ),
    "listeners-many": Text(
        en="{most} callers listen already",
        da="Der lyttes allerede af {most}",
        remedy_en="Ask again later, or ask for the versions page by page.",
        remedy_da="Spørg igen senere, eller hent versionerne side for side.",
    ),
    "repeated-parameter": Text(
        en="{parameter} is given twice",
        da="{parameter} er angivet to gange",
        remedy_en="For one of several values write {field}__in=a,b.",
        remedy_da="Skriv {field}__in=a,b for en af flere værdier.",
    ),
    "parameter-given-twice": Text(
        en="{parameter} is given twice",
        da="{parameter} er angivet to gange",
        remedy_en="Give it once.",
        remedy_da="Angiv den én gang.",
    ),
    "field-named-otherwise": Text(
        en="{parameter} is the name of a parameter, so it is no condition on the field",
        da="{parameter} er navnet på en parameter og derfor ingen betingelse på feltet",
        remedy_en="Write {value} for the field.",
        remedy_da="Skriv {value} for feltet.",
    ),
    "name-twice": Text(
        en="{parameter} names a field twice: “{value}”",
        da="{parameter} nævner et felt to gange: “{value}”",
        remedy_en="Name each field once.",
        remedy_da="Nævn hvert felt én gang.",
    ),
    "not-sortable": Text(
        en="“{value}” cannot be sorted by: its type is {type}",
        da="Der kan ikke sorteres efter “{value}”: typen er {type}",
        remedy_en="Sort by another field.",
        remedy_da="Sortér efter et andet felt.",
    ),
    "broken-list": Text(
        en="{parameter} is no comma list: “{value}”",
        da="{parameter} er ingen kommaliste: “{value}”",
        remedy_en='Write a,b or, where an item has a comma or a quote, "a,b","c""d".',
        remedy_da='Skriv a,b eller, hvor et led har komma eller anførselstegn, "a,b","c""d".',
    ),
    "long-list": Text(
        en="The list of {parameter} has more than {most} items",
        da="Listen i {parameter} har flere end {most} led",
        remedy_en="Ask in several requests.",
        remedy_da="Spørg ad flere gange.",
    ),
    "empty-value": Text(
        en="{parameter} has no value",
        da="{parameter} har ingen værdi",
        remedy_en="Rows without a value are found with FIELD__isnull=true.",
        remedy_da="Rækker uden værdi findes med FELT__isnull=true.",
    ),
    "text-with-nul": Text(
        en="{parameter} has a NUL character, which no stored text has",
        da="{parameter} har et NUL-tegn, som ingen gemt tekst har",
        remedy_en="Leave it out.",
        remedy_da="Udelad det.",
    ),
    "not-a-boolean": Text(
        en="{parameter} must be true or false, not “{value}”",
        da="{parameter} skal være true eller false, ikke “{value}”",
    ),
    "not-an-integer": Text(
        en="{parameter} must be a whole number, not “{value}”",
        da="{parameter} skal være et helt tal, ikke “{value}”",
        remedy_en="Write it with digits only, such as 42 or -7.",
        remedy_da="Skriv det kun med cifre, for eksempel 42 eller -7.",
    ),
    "integer-too-large": Text(
        en="{parameter} is larger than 64 bits hold: “{value}”",
        da="{parameter} er større, end 64 bit kan rumme: “{value}”",
        remedy_en="Stay between -9223372036854775808 and 9223372036854775807.",
        remedy_da="Hold det mellem -9223372036854775808 og 9223372036854775807.",
    ),
    "not-a-number": Text(
        en="{parameter} must be a number, not “{value}”",
        da="{parameter} skal være et tal, ikke “{value}”",
        remedy_en="Write it with a decimal point, such as 2.5.",
        remedy_da="Skriv det med decimalpunktum, for eksempel 2.5.",
    ),
    "number-too-large": Text(
        en="{parameter} has more digits than a stored number can have: “{value}”",
        da="{parameter} har flere cifre, end et gemt tal kan have: “{value}”",
        remedy_en="Write a shorter number.",
        remedy_da="Skriv et kortere tal.",
    ),
    "not-a-date": Text(
        en="{parameter} must be a date, not “{value}”",
        da="{parameter} skal være en dato, ikke “{value}”",
        remedy_en="Write it like 2026-01-31.",
        remedy_da="Skriv den som 2026-01-31.",
    ),
    "not-a-time": Text(
        en="{parameter} must be a time of day, not “{value}”",
        da="{parameter} skal være et klokkeslæt, ikke “{value}”",
        remedy_en="Write it like 13:30 or 13:30:05.",
        remedy_da="Skriv det som 13:30 eller 13:30:05.",
    ),
    "not-an-instant": Text(
        en="{parameter} must be a date or a date and time, not “{value}”",
        da="{parameter} skal være en dato eller dato og tid, ikke “{value}”",
        remedy_en="Write it like 2026-01-31T13:30:00Z or 2026-01-31T13:30:00+01:00.",
        remedy_da="Skriv det som 2026-01-31T13:30:00Z eller 2026-01-31T13:30:00+01:00.",
    ),
    "not-a-year": Text(
        en="{parameter} must be a year, not “{value}”",
        da="{parameter} skal være et årstal, ikke “{value}”",
        remedy_en="Write it like 2026.",
        remedy_da="Skriv det som 2026.",
    ),
    "not-a-month": Text(
        en="{parameter} must be a month, not “{value}”",
        da="{parameter} skal være en måned, ikke “{value}”",
        remedy_en="Write it like 2026-01.",
        remedy_da="Skriv den som 2026-01.",
    ),
    "not-in-range": Text(
        en="{parameter} must be a whole number from {least} to {most}, not “{value}”",
        da="{parameter} skal være et helt tal fra {least} til {most}, ikke “{value}”",
    ),
    "not-an-interval": Text(
        en="{parameter} is no interval: “{value}”",
        da="{parameter} er intet interval: “{value}”",
        remedy_en="Write it like 2026-01-01/2026-02-01, 2026-01, 2026-01-01/.. or now-P1D/..",
        remedy_da="Skriv det som 2026-01-01/2026-02-01, 2026-01, 2026-01-01/.. eller now-P1D/..",
    ),
    "interval-backwards": Text(
        en="{parameter} ends before it starts: “{value}”",
        da="{parameter} slutter, før det begynder: “{value}”",
        remedy_en="Put the earlier time first.",
        remedy_da="Sæt det tidligste tidspunkt først.",
    ),
    "no-time-field": Text(
        en="This table has no field with the role time, so {parameter} cannot be used",
        da="Denne tabel har intet felt med rollen time, så {parameter} kan ikke bruges",
        remedy_en="Use FIELD__gte and FIELD__lt.",
        remedy_da="Brug FELT__gte og FELT__lt.",
    ),
    "latest-without-time": Text(
        en="This table has no field with the role time, so none of its rows is the latest",
        da="Denne tabel har intet felt med rollen time, så ingen af dens rækker er den nyeste",
        remedy_en="Ask for its rows.",
        remedy_da="Spørg efter dens rækker.",
    ),
    "not-a-period": Text(
        en="{parameter} must be a period of one kind, not “{value}”",
        da="{parameter} skal være en periode af én slags, ikke “{value}”",
        remedy_en="Write PT15M, PT1H and other times up to PT24H, or P1D, P1W, P1M, P1Y.",
        remedy_da="Skriv PT15M, PT1H og andre tider op til PT24H, eller P1D, P1W, P1M, P1Y.",
    ),
    "period-of-dates": Text(
        en="The field {field} holds dates, which {parameter}={value} cannot part",
        da="Feltet {field} har datoer, som {parameter}={value} ikke kan dele",
        remedy_en="Write P1D or a longer period.",
        remedy_da="Skriv P1D eller en længere periode.",
    ),
    "fill-without-every": Text(
        en="{parameter} fills buckets of time, and no period is asked for",
        da="{parameter} udfylder perioder, og der er ikke bedt om nogen",
        remedy_en="State every=, such as every=PT1H.",
        remedy_da="Angiv every=, for eksempel every=PT1H.",
    ),
    "group-name-twice": Text(
        en="Two columns of the answer would be called “{value}”",
        da="To kolonner i svaret ville hedde “{value}”",
        remedy_en="Leave one of them out of by or agg.",
        remedy_da="Udelad en af dem i by eller agg.",
    ),
    "function-not-for-type": Text(
        en="The function {value} cannot be worked out of the field {field}, of type {type}",
        da="Funktionen {value} kan ikke beregnes af feltet {field}, af typen {type}",
        remedy_en="count takes any field; min, max, first and last what can be sorted; all others "
        "numbers.",
        remedy_da="count tager ethvert felt; min, max, first og last det, der kan sorteres; alle "
        "andre tal.",
    ),
    "unknown-function": Text(
        en="There is no function “{value}” for {parameter}",
        da="Der er ingen funktion “{value}” til {parameter}",
        remedy_en="Write FIELD:FUNCTION with one of those allowed, such as level:avg.",
        remedy_da="Skriv FELT:FUNKTION med en af de tilladte, for eksempel level:avg.",
    ),
    "unknown-function-near": Text(
        en="There is no function “{value}” for {parameter}. Did you mean {nearest}?",
        da="Der er ingen funktion “{value}” til {parameter}. Mente du {nearest}?",
        remedy_en="Write FIELD:FUNCTION with one of those allowed, such as level:avg.",
        remedy_da="Skriv FELT:FUNKTION med en af de tilladte, for eksempel level:avg.",
    ),
    "many-years": Text(
        en="The rows lie in so many years that {parameter} cannot follow the calendar of {zone}",
        da="Rækkerne ligger i så mange år, at {parameter} ikke kan følge kalenderen i {zone}",
        remedy_en="Narrow them with time=, or ask in UTC.",
        remedy_da="Afgræns dem med time=, eller spørg i UTC.",
    ),
    "many-buckets": Text(
        en="{parameter} asks for more than {most} buckets",
        da="{parameter} beder om mere end {most} perioder",
        remedy_en="Ask for a longer period, or for less time, or leave out fill=.",
        remedy_da="Bed om en længere periode eller om kortere tid, eller udelad fill=.",
    ),
    "not-a-unit": Text(
        en="{parameter} has “{value}”, which is no field with a unit",
        da="{parameter} har “{value}”, som ikke er et felt med en enhed",
        remedy_en="Write FIELD:UNIT, such as level:cm.",
        remedy_da="Skriv FELT:ENHED, for eksempel level:cm.",
    ),
    "field-without-unit": Text(
        en="The field “{value}” has no unit that {parameter} could convert",
        da="Feltet “{value}” har ingen enhed, som {parameter} kan omregne",
        remedy_en="The table's page lists its fields and their units.",
        remedy_da="Tabellens side viser dens felter og deres enheder.",
    ),
    "unit-not-of-field": Text(
        en="{parameter} cannot give the field {field}, in {unit}, as “{value}”",
        da="{parameter} kan ikke give feltet {field}, i {unit}, som “{value}”",
        remedy_en="Write a unit of UCUM that measures the same, such as cm for m.",
        remedy_da="Skriv en enhed fra UCUM, der måler det samme, for eksempel cm for m.",
    ),
    "no-place-fields": Text(
        en="This table has no fields with the roles longitude and latitude, so {parameter} "
        "cannot ask for a place",
        da="Denne tabel har ingen felter med rollerne longitude og latitude, så {parameter} kan "
        "ikke spørge efter et sted",
        remedy_en="The table's page lists its fields and their roles.",
        remedy_da="Tabellens side viser dens felter og deres roller.",
    ),
    "not-a-box": Text(
        en="{parameter} is no box: “{value}”",
        da="{parameter} er ingen boks: “{value}”",
        remedy_en="Write west,south,east,north in degrees, such as 10.1,56.1,10.9,56.5.",
        remedy_da="Skriv vest,syd,øst,nord i grader, for eksempel 10.1,56.1,10.9,56.5.",
    ),
    "not-a-circle": Text(
        en="{parameter} is no point and distance: “{value}”",
        da="{parameter} er intet punkt med en afstand: “{value}”",
        remedy_en="Write longitude,latitude,metres, such as 10.21,56.15,500.",
        remedy_da="Skriv længdegrad,breddegrad,meter, for eksempel 10.21,56.15,500.",
    ),
    "not-an-area": Text(
        en="{parameter} has an area that is none: “{value}”",
        da="{parameter} har et område, der ikke er et: “{value}”",
        remedy_en="Write a POLYGON or MULTIPOLYGON whose rings have at least four positions of "
        "longitude and latitude in degrees, end where they begin, and do not cross themselves.",
        remedy_da="Skriv en POLYGON eller MULTIPOLYGON, hvis ringe har mindst fire positioner med "
        "længde- og breddegrad i grader, ender, hvor de begynder, og ikke krydser sig selv.",
    ),
    "many-areas": Text(
        en="{parameter} asks for more than {most} places",
        da="{parameter} spørger efter mere end {most} steder",
        remedy_en="Write them as one MULTIPOLYGON.",
        remedy_da="Skriv dem som én MULTIPOLYGON.",
    ),
    "text-not-unicode": Text(
        en="{parameter} holds half a character: “{value}”",
        da="{parameter} indeholder et halvt tegn: “{value}”",
        remedy_en="Write each character outside the basic plane as both of its surrogates.",
        remedy_da="Skriv hvert tegn uden for basisplanet med begge dets surrogater.",
    ),
    "area-too-detailed": Text(
        en="The area in {parameter} has more than {most} points",
        da="Området i {parameter} har mere end {most} punkter",
        remedy_en="Simplify it, or ask for its parts.",
        remedy_da="Forenkl det, eller spørg efter dets dele.",
    ),
    "filter-syntax": Text(
        en="{parameter} cannot be read from character {position}: “{value}”",
        da="{parameter} kan ikke læses fra tegn {position}: “{value}”",
        remedy_en="Write CQL2, such as level > 2.5 AND (station = 'A' OR quality IS NULL); text "
        "stands in single quotes.",
        remedy_da="Skriv CQL2, for eksempel level > 2.5 AND (station = 'A' OR quality IS NULL); "
        "tekst står i enkelte anførselstegn.",
    ),
    "filter-too-long": Text(
        en="{parameter} is longer than {most} characters",
        da="{parameter} er længere end {most} tegn",
        remedy_en="Ask several times, each with a part of it.",
        remedy_da="Spørg flere gange, hver gang med en del af det.",
    ),
    "filter-too-deep": Text(
        en="{parameter} has conditions more than {most} deep within others",
        da="{parameter} har betingelser mere end {most} niveauer inde i andre",
        remedy_en="Leave out parentheses and NOT that are not needed.",
        remedy_da="Udelad parenteser og NOT, der ikke er nødvendige.",
    ),
    "filter-too-large": Text(
        en="{parameter} has more than {most} conditions and values",
        da="{parameter} har mere end {most} betingelser og værdier",
        remedy_en="Ask several times, each with a part of it.",
        remedy_da="Spørg flere gange, hver gang med en del af det.",
    ),
    "filter-no-condition": Text(
        en="{parameter} has something that is no condition on a field: “{value}”",
        da="{parameter} har noget, der ikke er en betingelse for et felt: “{value}”",
        remedy_en="A condition compares a field with a value: level > 2.5.",
        remedy_da="En betingelse sammenligner et felt med en værdi: level > 2.5.",
    ),
    "filter-two-fields": Text(
        en="{parameter} compares with “{value}”, which is a name where a value is wanted",
        da="{parameter} sammenligner med “{value}”, som er et navn, hvor der skal stå en værdi",
        remedy_en="Write text in single quotes: station = 'A'. Fields are compared with values, "
        "not with each other.",
        remedy_da="Skriv tekst i enkelte anførselstegn: station = 'A'. Felter sammenlignes med "
        "værdier, ikke med hinanden.",
    ),
    "filter-wrong-type": Text(
        en="{parameter} compares the field {field}, of type {type}, with {value}",
        da="{parameter} sammenligner feltet {field}, af typen {type}, med {value}",
        remedy_en="Write the value as {wanted}.",
        remedy_da="Skriv værdien som {wanted}.",
    ),
    "filter-escape": Text(
        en="{parameter} has a pattern that ends in an escape: “{value}”",
        da="{parameter} har et mønster, der ender med et escape-tegn: “{value}”",
        remedy_en="Write \\\\ for a backslash.",
        remedy_da="Skriv \\\\ for en omvendt skråstreg.",
    ),
    "offset-and-cursor": Text(
        en="offset and cursor cannot be used together",
        da="offset og cursor kan ikke bruges sammen",
        remedy_en="Use offset for the first page only, and follow next from there.",
        remedy_da="Brug kun offset til den første side, og følg next derfra.",
    ),
    "not-a-choice": Text(
        en="{parameter} cannot be “{value}”",
        da="{parameter} kan ikke være “{value}”",
        remedy_en="Use one of {choices}.",
        remedy_da="Brug en af {choices}.",
    ),
    "not-a-zone": Text(
        en="{parameter} is no time zone: “{value}”",
        da="{parameter} er ingen tidszone: “{value}”",
        remedy_en="Write Europe/Copenhagen, UTC or an offset such as +01:00.",
        remedy_da="Skriv Europe/Copenhagen, UTC eller en forskydning som +01:00.",
    ),
    "version-and-as-of": Text(
        en="version and as_of cannot be given together",
        da="version og as_of kan ikke angives sammen",
        remedy_en="Use one of them.",
        remedy_da="Brug en af dem.",
    ),
    "bad-cursor": Text(
        en="This cursor does not belong to this query",
        da="Denne cursor hører ikke til denne forespørgsel",
        remedy_en="Take the next page's address from next as it is, or begin again without cursor.",
        remedy_da="Brug adressen i next, som den er, eller begynd forfra uden cursor.",
    ),
    "not-a-format": Text(
        en="There is no format “{value}”",
        da="Formatet “{value}” findes ikke",
        remedy_en="Use one of {choices}.",
        remedy_da="Brug et af {choices}.",
    ),
}
