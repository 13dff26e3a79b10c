"""One canary: a number and a text to look for."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

import phonenumbers

MARK = "zqk"
"""What every token starts with: rare in any language, so that the search is quick."""

_RUN = secrets.token_bytes(16)
_LETTERS = "bcdfghjklmnpqrst"  # sixteen, one for half a byte; without vowels they make no words
_BRITISH = [f"+447700900{line:03d}" for line in range(1000)]
_AMERICAN = [
    f"+1{area}555{line:04d}" for area in range(200, 990) if area % 100 != 11 for line in range(100, 200)
]  # 555-0100 to 555-0199 in any area
_ABOUT = ("your parcel is waiting", "Ihr Paket für 5 € wartet", "ваша посылка ждёт", "your parcel is waiting 🎉")


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


def canary(number: str, place: int, *, about: str = _ABOUT[0]) -> Canary:
    """Make the canary with this number; its token is of this run and this `place`, no other run has it."""
    digest = hashlib.blake2b(place.to_bytes(8, "big"), key=_RUN, digest_size=6).hexdigest()
    token = MARK + "".join(_LETTERS[int(half, 16)] for half in digest)
    return Canary(number, f"Canary: {about} {token}")


def draw(count: int) -> list[Canary]:
    """Draw canaries for one run, no two alike: numbers that no phone has, texts in all alphabets of the air.

    The first thousand are British. Raises ValueError when there are not so many numbers reserved for fiction.
    """
    chance = secrets.SystemRandom()
    numbers = chance.sample(_BRITISH, min(count, len(_BRITISH)))
    numbers += chance.sample(_AMERICAN, count - len(numbers))
    return [canary(number, place, about=_ABOUT[place % len(_ABOUT)]) for place, number in enumerate(numbers)]
