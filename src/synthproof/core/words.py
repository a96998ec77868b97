"""A short text in the two languages that synthproof speaks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Lang: TypeAlias = Literal["ko", "en"]
LANGS: tuple[Lang, ...] = ("ko", "en")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The same sentence in English and Korean.

    Parameters
    ----------
    en, ko
        The text in each language. Neither may be empty: a page with holes in one language is a defect.
    """

    en: str
    ko: str

    def __post_init__(self) -> None:
        if not self.en or not self.ko:
            raise ValueError(f"both languages are needed: en={self.en!r}, ko={self.ko!r}")

    def __str__(self) -> str:
        return self.en

    def say(self, lang: Lang = "en", /, **facts: object) -> str:
        """Return the text in one language, with ``{name}`` places filled from `facts`."""
        text = self.ko if lang == "ko" else self.en
        return text.format_map(facts) if facts else text

    def filled(self, **facts: object) -> Words:
        """Return both texts with their places filled."""
        return Words(en=self.en.format_map(facts), ko=self.ko.format_map(facts))

    def to_dict(self) -> dict[str, str]:
        """Return ``{"en": …, "ko": …}``."""
        return {"en": self.en, "ko": self.ko}

    @classmethod
    def from_dict(cls, data: Mapping[str, str]) -> Words:
        """Read what `to_dict` wrote."""
        return cls(en=data["en"], ko=data["ko"])
