"""Smart encoding: what a word processor made of quotes, dashes and spaces becomes what the alphabet has.

It changes the text, so somebody has to want it: the category or the message. Only if all of it then fits the
alphabet, since a text that needs UCS-2 anyway would be changed for nothing.
"""

from __future__ import annotations

_LIKE = {
    '"': "“”„‟«»″〝〞",
    "'": "‘’‚‛‹›′´`ʼ",  # noqa: RUF001 - meant
    "-": "‐‑‒–—―−⁃",  # noqa: RUF001 - meant
    " ": "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000",
    "\n": "\u2028\u2029",
    "...": "…",
    "": "\u00ad\u200b\u2060\ufeff",
}

TABLE = str.maketrans({char: plain for plain, chars in _LIKE.items() for char in chars})


def plain(text: str) -> str:
    """Write typographic signs with those of the alphabet."""
    return text.translate(TABLE)
