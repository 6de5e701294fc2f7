from dataclasses import dataclass

NEAR_EN = "Did you mean {nearest}?"
NEAR_DA = "Mente du {nearest}?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What went wrong, and what to do about it, in both languages."""

    en: str
    da: str
    remedy_en: str = ""
    remedy_da: str = ""
    alone_en: str = ""
    """The remedy where it would name the ``{nearest}`` and nothing is near."""
    alone_da: str = ""


def cut(text: str, longest: int) -> str:
    """Give *text* in no more than *longest* letters."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
