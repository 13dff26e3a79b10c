"""One canary: a number and a text to look for."""

from __future__ import annotations

from dataclasses import dataclass

import phonenumbers


@dataclass(frozen=True, slots=True)
class Canary:
    """A number in E.164 and a text whose last word is its own, and nobody else's."""

    number: str
    text: str

    @property
    def digits(self) -> str:
        """The number without its plus."""
        return self.number.removeprefix("+")

    @property
    def national(self) -> str:
        """The number as written inside its country, without a trunk prefix."""
        return str(phonenumbers.parse(self.number).national_number)

    @property
    def token(self) -> str:
        """The text's last word."""
        return self.text.rsplit(maxsplit=1)[-1]


MARK = "zqk"
"""What every token starts with: rare in any language, so that the search is quick."""


def canary(number: str, place: int, *, about: str = "your parcel is waiting") -> Canary:
    """Make the canary with this number; `place` makes its token different from the others'."""
    token = MARK + "".join("bcdfghjklmnpqrst"[(place * 40503 + 977 >> 4 * at) % 16] for at in range(8))
    return Canary(number, f"Canary: {about} {token}")
