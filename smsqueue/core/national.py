"""National language shift tables: letters that some providers send in seven bits where others need UCS-2.

A letter of the table takes two units, like one of the extension, and a text with any of them has room for less: its
header names the language. Handsets and carriers have to know the table, so a provider's policy says which it uses.

Source: 3GPP TS 23.038 §A.2, the single shift tables, without what the default extension has; TS 23.040 §9.2.3.24.
"""

from __future__ import annotations

from enum import StrEnum

ALONE, EACH = 155, 149
"""Units of one segment, and of each of several: four octets, or nine with those of concatenation, are the header's."""


class Language(StrEnum):
    """Whose table a provider uses."""

    TURKISH = "turkish"
    SPANISH = "spanish"
    PORTUGUESE = "portuguese"


LETTERS = {
    Language.TURKISH: "ĞİŞçğış",
    Language.SPANISH: "çÁÍÓÚáíóú",
    Language.PORTUGUESE: "êçÔôÁáΦΓΩΠΨΣΘÊÀÍÓÚÃÕÂíóúãõâ",
}
