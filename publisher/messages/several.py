"""What is wrong with a question to several tables."""

from publisher.messages.text import NEAR_DA, NEAR_EN, Text

SEVERAL: dict[str, Text] = {
    "from-needed": Text(
        en="from names no table",
        da="from nævner ingen tabel",
        remedy_en="Give from=dataset/table, or from=schema:NAME, once for each.",
        remedy_da="Angiv from=datasæt/tabel eller from=schema:NAVN, én gang for hver.",
    ),
    "many-tables": Text(
        en="from names more than {most} tables",
        da="from nævner flere end {most} tabeller",
        remedy_en="Ask for fewer at a time.",
        remedy_da="Spørg om færre ad gangen.",
    ),
    "from-unknown-table": Text(
        en="from names “{value}”, and there is no such table",
        da="from nævner “{value}”, og der er ingen sådan tabel",
        remedy_en="Those there are stand under allowed, as dataset/table.",
        remedy_da="De mulige står under allowed, som datasæt/tabel.",
    ),
    "from-unknown-table-near": Text(
        en="from names “{value}”, and there is no such table",
        da="from nævner “{value}”, og der er ingen sådan tabel",
        remedy_en=NEAR_EN,
        remedy_da=NEAR_DA,
    ),
    "from-unknown-schema": Text(
        en="No public table is under a schema “{value}”",
        da="Ingen offentlig tabel følger et skema “{value}”",
        remedy_en="The schemas there are stand under allowed.",
        remedy_da="De mulige skemaer står under allowed.",
    ),
    "from-unknown-schema-near": Text(
        en="No public table is under a schema “{value}”",
        da="Ingen offentlig tabel følger et skema “{value}”",
        remedy_en=NEAR_EN,
        remedy_da=NEAR_DA,
    ),
    "unknown-partner": Text(
        en="There is no partner “{value}”",
        da="Der er ingen partner “{value}”",
        remedy_en="Leave out what follows @, or name one of allowed.",
        remedy_da="Udelad det, der følger efter @, eller nævn en af allowed.",
    ),
    "partner-resting": Text(
        en="{partner} failed several times and is left alone for {seconds} s",
        da="{partner} fejlede flere gange og lades i fred i {seconds} s",
        remedy_en="Ask again then.",
        remedy_da="Spørg igen derefter.",
    ),
    "partner-late": Text(
        en="{partner} did not answer in time",
        da="{partner} svarede ikke i tide",
        remedy_en="Ask again, or wait longer with timeout.",
        remedy_da="Spørg igen, eller vent længere med timeout.",
    ),
    "partner-loop": Text(
        en="{partner} leads back to this Publisher",
        da="{partner} fører tilbage til denne Publisher",
        remedy_en="Take it out of catalog/partners.yaml, or give the partner's own address.",
        remedy_da="Tag den ud af catalog/partners.yaml, eller angiv partnerens egen adresse.",
    ),
    "asks-itself": Text(
        en="this question comes from this Publisher itself",
        da="dette spørgsmål kommer fra denne Publisher selv",
        remedy_en="See which of its partners leads back to it.",
        remedy_da="Se, hvilken af dens partnere der fører tilbage til den.",
    ),
    "partner-gone": Text(
        en="{partner} is no partner any more",
        da="{partner} er ikke længere partner",
        remedy_en="See /v1/partners.",
        remedy_da="Se /v1/partners.",
    ),
    "partner-not-json": Text(
        en="{url} gave something that is no JSON",
        da="{url} gav noget, der ikke er JSON",
        remedy_en="See whether the address is that of the service, and no page's.",
        remedy_da="Se, om adressen er tjenestens og ikke en sides.",
    ),
    "partner-too-large": Text(
        en="{url} gave more than {most} bytes",
        da="{url} gav mere end {most} byte",
        remedy_en="Ask for less: fewer fields, a shorter time.",
        remedy_da="Spørg om mindre: færre felter, en kortere tid.",
    ),
    "partner-too-much": Text(
        en="What {partner} gave needs more memory than there is",
        da="Det, {partner} gav, kræver mere hukommelse, end der er",
        remedy_en="Ask for less: fewer fields, a shorter time.",
        remedy_da="Spørg om mindre: færre felter, et kortere tidsrum.",
    ),
    "partner-many-rows": Text(
        en="More than {most} rows of {partner} would have to be fetched",
        da="Der skulle hentes mere end {most} rækker fra {partner}",
        remedy_en="Narrow the question, or have a steward raise maxRows.",
        remedy_da="Indskrænk spørgsmålet, eller få en dataansvarlig til at hæve maxRows.",
    ),
    "partner-unlike": Text(
        en="{partner} does not answer as a {kind} does",
        da="{partner} svarer ikke, som en {kind} gør",
        remedy_en="See whether the address in catalog/partners.yaml is right.",
        remedy_da="Se, om adressen i catalog/partners.yaml er rigtig.",
    ),
    "partner-not-rows": Text(
        en="What {partner} gave are no rows of this table",
        da="Det, {partner} gav, er ikke rækker af denne tabel",
        remedy_en="See whether the table is another one by now.",
        remedy_da="Se, om tabellen er en anden nu.",
    ),
    "partner-long-question": Text(
        en="The conditions are too long to be passed on to {partner}",
        da="Betingelserne er for lange til at blive givet videre til {partner}",
        remedy_en="Ask with a shorter filter.",
        remedy_da="Spørg med et kortere filter.",
    ),
    "partner-no-versions": Text(
        en="{partner} knows no versions",
        da="{partner} kender ingen versioner",
        remedy_en="Ask without as_of.",
        remedy_da="Spørg uden as_of.",
    ),
    "partner-names-clash": Text(
        en="A field of {partner} has the name of another one, but for upper and lower case",
        da="Et felt hos {partner} har samme navn som et andet, bortset fra store og små bogstaver",
        remedy_en="Ask for the tables one by one.",
        remedy_da="Spørg om tabellerne én for én.",
    ),
    "partner-fields-changed": Text(
        en="The fields of a table of {partner} are no longer those that were read",
        da="Felterne i en tabel hos {partner} er ikke længere dem, der blev læst",
        remedy_en="Ask again, from the beginning: they are read anew.",
        remedy_da="Spørg igen, fra begyndelsen: de læses på ny.",
    ),
    "partner-no-fields": Text(
        en="{partner} does not tell which fields {table} has",
        da="{partner} fortæller ikke, hvilke felter {table} har",
        remedy_en="Have a steward state a schema for it in catalog/partners.yaml.",
        remedy_da="Få en dataansvarlig til at angive et skema for den i catalog/partners.yaml.",
    ),
    "partner-no-column": Text(
        en="{table} of {partner} has no column “{column}”",
        da="{table} hos {partner} har ingen kolonne “{column}”",
        remedy_en="Have a steward correct fields in catalog/partners.yaml.",
        remedy_da="Få en dataansvarlig til at rette fields i catalog/partners.yaml.",
    ),
    "partner-not-found": Text(
        en="There is no partner “{partner}”",
        da="Der er ingen partner “{partner}”",
        remedy_en="See /v1/partners.",
        remedy_da="Se /v1/partners.",
    ),
    "partial-denied": Text(
        en="Not everybody who was asked answered",
        da="Ikke alle, der blev spurgt, svarede",
        remedy_en="Ask again later, or without partial=deny.",
        remedy_da="Spørg igen senere eller uden partial=deny.",
    ),
    "units-differ": Text(
        en="The tables state “{value}” in units that cannot be converted ({units})",
        da="Tabellerne angiver “{value}” i enheder, der ikke kan omregnes ({units})",
        remedy_en="Ask those tables one at a time.",
        remedy_da="Spørg de tabeller én ad gangen.",
    ),
    "body-not-json": Text(
        en="The body is no JSON object of parameters",
        da="Indholdet er ikke et JSON-objekt med parametre",
        remedy_en='Send {{"from": ["dataset/table"], "limit": 10}} and the like, with'
        " Content-Type: application/json.",
        remedy_da='Send {{"from": ["datasæt/tabel"], "limit": 10}} og lignende, med'
        " Content-Type: application/json.",
    ),
    "body-not-a-value": Text(
        en="{parameter} is neither a text, a number, true, false nor a list of those",
        da="{parameter} er hverken en tekst, et tal, true, false eller en liste af dem",
        remedy_en="Only filter may be an object.",
        remedy_da="Kun filter må være et objekt.",
    ),
}
