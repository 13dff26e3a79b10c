"""Looking for canaries in bytes, through up to four layers of encoding."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lab.canary.forms import SHORTEST_NUMBER, Forms
from lab.canary.layers import LAYERS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from lab.canary.canary import Canary

DEPTH = 4


class Hit(NamedTuple):
    """A canary that was seen: beneath which layers, in which form, and which one. Never the data."""

    path: tuple[str, ...]
    form: str
    canary: int

    def __str__(self) -> str:
        return f"canary {self.canary} as {' > '.join((*self.path, self.form))}"


def scan(data: bytes, canaries: Forms | Sequence[Canary], *, without: Collection[str] = ()) -> list[Hit]:
    """Return every way in which a canary is in the data, each once. `Forms` made before save time."""
    forms = canaries if isinstance(canaries, Forms) else Forms(canaries)
    return sorted(set(_scan(data, forms, (), without)))


def _scan(data: bytes, forms: Forms, path: tuple[str, ...], without: Collection[str]) -> Iterator[Hit]:
    for form, place in forms.find(data):
        yield Hit(path, form, place)
    if len(path) == DEPTH:
        return
    for name, decode in LAYERS.items():
        if name not in without:
            decoded = decode(data)
            if len(decoded) >= SHORTEST_NUMBER - 2:  # a number of ten digits is five bytes of BCD
                yield from _scan(decoded, forms, (*path, name), without)
