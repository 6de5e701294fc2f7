"""What a dataset's metadata lack by the EU's assessment, and what the steward can write."""

from publisher.messages.text import Text


def _lacks(property_en: str, property_da: str, remedy_en: str, remedy_da: str) -> Text:
    return Text(
        en=f"The metadata lack {property_en}",
        da=f"Metadata mangler {property_da}",
        remedy_en=remedy_en,
        remedy_da=remedy_da,
    )


_URL_EN = "Set PUBLISHER_PUBLIC_URL to the address the service is reached by."
_URL_DA = "Sæt PUBLISHER_PUBLIC_URL til den adresse, tjenesten nås på."
_FILES_EN = "Add `folder` to `publish.targets`, and publish; bulk files are linked by public_url."
_FILES_DA = "Tilføj `folder` til `publish.targets`, og udgiv; filerne linkes med public_url."
_CSV_EN = "Publish as csv too (`publish.formats`), or set PUBLISHER_PUBLIC_URL for the API."
_CSV_DA = "Udgiv også som csv (`publish.formats`), eller sæt PUBLISHER_PUBLIC_URL til API'et."

MQA: dict[str, Text] = {
    "mqa-keyword": _lacks(
        "keywords",
        "nøgleord",
        "Write `keywords` in the dataset's file: words of 2 letters or more.",
        "Skriv `keywords` i datasættets fil: ord på mindst 2 bogstaver.",
    ),
    "mqa-theme": _lacks(
        "a theme",
        "et emne",
        "Write `themes` with one or more of the EU's data themes, such as ENVI.",
        "Skriv `themes` med et eller flere af EU's dataemner, for eksempel ENVI.",
    ),
    "mqa-spatial": _lacks(
        "a place",
        "et sted",
        "Write `spatial` with `uri` or `bbox`, or give the schema's coordinates the roles"
        " longitude and latitude.",
        "Skriv `spatial` med `uri` eller `bbox`, eller giv skemaets koordinater rollerne"
        " longitude og latitude.",
    ),
    "mqa-temporal": _lacks(
        "the time the data cover",
        "den tid, data dækker",
        "Write `temporal` with `start`, or give a field of the schema the role time.",
        "Skriv `temporal` med `start`, eller giv et felt i skemaet rollen time.",
    ),
    "mqa-accessurl": _lacks("an address to the data", "en adresse til data", _URL_EN, _URL_DA),
    "mqa-downloadurl": _lacks("a file to fetch", "en fil at hente", _FILES_EN, _FILES_DA),
    "mqa-format": _lacks("a file format", "et filformat", _URL_EN, _URL_DA),
    "mqa-mediatype": _lacks("a media type", "en medietype", _URL_EN, _URL_DA),
    "mqa-format-vocabulary": _lacks(
        "a format of the EU's list", "et format på EU's liste", _CSV_EN, _CSV_DA
    ),
    "mqa-format-non-proprietary": _lacks(
        "a format that nobody owns", "et format, ingen ejer", _CSV_EN, _CSV_DA
    ),
    "mqa-format-machine-readable": _lacks(
        "a format for machines", "et format til maskiner", _CSV_EN, _CSV_DA
    ),
    "mqa-license": _lacks(
        "a licence",
        "en licens",
        "Write `licenses` with a `name` such as CC-BY-4.0.",
        "Skriv `licenses` med et `name`, for eksempel CC-BY-4.0.",
    ),
    "mqa-license-vocabulary": _lacks(
        "a licence of the EU's list",
        "en licens på EU's liste",
        "Write `licenses` with one of CC-BY-4.0, CC-BY-SA-4.0, CC-BY-NC-4.0, CC0-1.0,"
        " ODC-BY-1.0, ODbL-1.0 or PDDL-1.0 as `name`.",
        "Skriv `licenses` med CC-BY-4.0, CC-BY-SA-4.0, CC-BY-NC-4.0, CC0-1.0, ODC-BY-1.0,"
        " ODbL-1.0 eller PDDL-1.0 som `name`.",
    ),
    "mqa-contactpoint": _lacks(
        "a contact",
        "en kontakt",
        "Write `contactPoint` with `name` and `email`, or the organisation's `email`.",
        "Skriv `contactPoint` med `name` og `email`, eller organisationens `email`.",
    ),
    "mqa-rights": _lacks(
        "rights",
        "rettigheder",
        "Write `rights`: what may be done with the data beyond the licence, in words or as an"
        " address.",
        "Skriv `rights`: hvad man må med data ud over licensen, i ord eller som en adresse.",
    ),
    "mqa-bytesize": _lacks("a file size", "en filstørrelse", _FILES_EN, _FILES_DA),
    "mqa-issued": _lacks(
        "a date of issue",
        "en udgivelsesdato",
        "Write `created` in the dataset's file, such as 2026-01-31T12:00:00Z.",
        "Skriv `created` i datasættets fil, for eksempel 2026-01-31T12:00:00Z.",
    ),
}
