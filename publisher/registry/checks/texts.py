"""Rules of texts: translations, and what variables and secrets stand in them."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, urlsplit

from publisher.model.schema import Translation
from publisher.registry.document import Document
from publisher.registry.finding import Finding
from publisher.registry.paths import Path
from publisher.secrets import Secrets, is_secret_parameter

# The EU's official languages, those spoken around Denmark, and common ones in Danish towns
_LANGUAGES = {
    "bg", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "ga", "hr", "hu", "it", "lt",
    "lv", "mt", "nl", "pl", "pt", "ro", "sk", "sl", "sv", "fo", "is", "kl", "nb", "nn", "no",
    "se", "ar", "bs", "fa", "ku", "ru", "so", "sr", "tr", "uk", "ur", "vi", "zh",
}  # fmt: skip
_SECRET_HEADER = re.compile(r"auth|cookie|token|secret|password|api-?key|signature", re.IGNORECASE)


def check_translations(
    translations: Mapping[str, Translation], document: Document, path: Path
) -> Iterator[Finding]:
    for language in translations:
        if language not in _LANGUAGES:
            yield document.warning(
                "language-not-known", (*path, "translations", language), language=language
            )


def check_variables(
    text: str, secrets: Secrets, document: Document, path: Path
) -> Iterator[Finding]:
    """Warn of each ``${NAME}`` of *text* that is set nowhere."""
    for name in dict.fromkeys(secrets.unset(text)):
        yield document.warning("variable-not-set", path, name=name)


def check_url(text: str, document: Document, path: Path) -> Iterator[Finding]:
    """Judge an address; it may begin with a variable."""
    if not re.match(r"https?://[^/?#]|\$\{", text):
        yield document.error("wrong-url", path, url=_without_secrets(text))
        return
    try:
        parts = urlsplit(text)
    except ValueError:
        yield document.error("wrong-url", path, url=text.partition("?")[0])
        return
    user = parts.netloc.rpartition("@")[0]
    if user and "${" not in user:
        yield document.warning("secret-in-file", path, where="url")
    for name, value in parse_qsl(parts.query):
        if is_secret_parameter(name) and "${" not in value:
            yield document.warning("secret-in-file", path, where=name)


def check_secret(name: str, value: str, document: Document, path: Path) -> Iterator[Finding]:
    """Warn where *value*, by its *name* a secret, is written out."""
    if _SECRET_HEADER.search(name) and value and "${" not in value:
        yield document.warning("secret-in-file", path, where=name)


def _without_secrets(text: str) -> str:
    return re.sub(r"//[^/@]*@", "//", text.partition("?")[0])[:80]
