"""Names of the EU's authority tables, as catalogs write them.

Sources: https://op.europa.eu/en/web/eu-vocabularies/authority-tables ;
http://purl.org/adms/publishertype/ ; http://data.europa.eu/bna/ .
"""

from collections.abc import Mapping

from publisher.model.dataset import HVD_CATEGORIES
from publisher.targets.licenses import LICENSES

TABLES = "http://publications.europa.eu/resource/authority"
"""Each table is below it under its name."""
BNA = "http://data.europa.eu/bna/"
"""What the codes of high-value datasets are below."""
LANGUAGE_CODES: Mapping[str, str] = {
    "bg": "BUL",
    "cs": "CES",
    "da": "DAN",
    "de": "DEU",
    "el": "ELL",
    "en": "ENG",
    "es": "SPA",
    "et": "EST",
    "fi": "FIN",
    "fo": "FAO",
    "fr": "FRA",
    "ga": "GLE",
    "hr": "HRV",
    "hu": "HUN",
    "is": "ISL",
    "it": "ITA",
    "kl": "KAL",
    "lt": "LIT",
    "lv": "LAV",
    "mt": "MLT",
    "nl": "NLD",
    "no": "NOR",
    "nb": "NOB",
    "nn": "NNO",
    "pl": "POL",
    "pt": "POR",
    "ro": "RON",
    "sk": "SLK",
    "sl": "SLV",
    "sv": "SWE",
    "uk": "UKR",
}
_PUBLISHER_TYPES = {
    "local": "LocalAuthority",
    "regional": "RegionalAuthority",
    "national": "NationalAuthority",
}


def theme(code: str) -> str:
    return f"{TABLES}/data-theme/{code}"


def frequency(code: str) -> str:
    return f"{TABLES}/frequency/{code}"


def access_right(code: str) -> str:
    return f"{TABLES}/access-right/{code}"


def language(code: str) -> str | None:
    return f"{TABLES}/language/{LANGUAGE_CODES[code]}" if code in LANGUAGE_CODES else None


def licence(name: str | None) -> str | None:
    """Give the address of a licence known by its Open Definition id."""
    known = LICENSES.get(name or "")
    return f"{TABLES}/licence/{known.eu}" if known else None


def publisher_type(authority: str) -> str:
    return f"http://purl.org/adms/publishertype/{_PUBLISHER_TYPES[authority]}"


def hvd_category(name: str) -> str:
    return f"{BNA}{HVD_CATEGORIES.get(name, name)}"
