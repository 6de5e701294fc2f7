"""Names of the EU's authority tables, as catalogs write them.

Sources: https://op.europa.eu/en/web/eu-vocabularies/authority-tables ;
http://purl.org/adms/publishertype/ ; http://data.europa.eu/bna/ .
"""

from collections.abc import Mapping

from publisher.model.dataset import HVD_CATEGORIES

_AUTHORITY = "http://publications.europa.eu/resource/authority"
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
LICENCE_CODES: Mapping[str, str] = {
    "CC-BY-4.0": "CC_BY_4_0",
    "CC-BY-SA-4.0": "CC_BYSA_4_0",
    "CC-BY-NC-4.0": "CC_BYNC_4_0",
    "CC0-1.0": "CC0",
    "ODC-BY-1.0": "ODC_BY",
    "ODbL-1.0": "ODC_BL",
    "PDDL-1.0": "ODC_PDDL",
}
_PUBLISHER_TYPES = {
    "local": "LocalAuthority",
    "regional": "RegionalAuthority",
    "national": "NationalAuthority",
}


def theme(code: str) -> str:
    return f"{_AUTHORITY}/data-theme/{code}"


def frequency(code: str) -> str:
    return f"{_AUTHORITY}/frequency/{code}"


def access_right(code: str) -> str:
    return f"{_AUTHORITY}/access-right/{code}"


def language(code: str) -> str | None:
    return f"{_AUTHORITY}/language/{LANGUAGE_CODES[code]}" if code in LANGUAGE_CODES else None


def licence(name: str | None) -> str | None:
    """Give the address of a licence known by its Open Definition id."""
    code = LICENCE_CODES.get(name or "")
    return f"{_AUTHORITY}/licence/{code}" if code else None


def publisher_type(authority: str | None) -> str | None:
    name = _PUBLISHER_TYPES.get(authority or "")
    return f"http://purl.org/adms/publishertype/{name}" if name else None


def hvd_category(name: str) -> str:
    return f"http://data.europa.eu/bna/{HVD_CATEGORIES.get(name, name)}"
