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
