"""Whether an E.164 number is allocated, and in which country: the numbering plans of `phonenumbers`, asked once.

The library walks a dozen patterns per country and number, 60 µs and more for the 25 countries of +1. Here each
country's patterns are one expression, made when it is first needed. They say how long a number is as well (tested).
Only *yes* is believed; whatever is not a plain yes is asked of the library itself, which then has the say.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

_KINDS = (
    "premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan", "voicemail",
    "fixed_line", "mobile",
)  # fmt: skip
_CODE_LONGEST = 3


class _Plan(NamedTuple):
    region: str
    leading: re.Pattern[str] | None  # what tells a country from the others with its calling code
    valid: re.Pattern[str]


def region_of(e164: str) -> str | None:
    """Return the country of an allocated number given as plus and digits; None: not surely allocated."""
    for length in range(1, _CODE_LONGEST + 1):
        code = e164[1 : 1 + length]
        if int(code) in COUNTRY_CODE_TO_REGION_CODE:
            national = e164[1 + length :]
            for plan in _plans(int(code)):
                if plan.leading is not None:
                    if plan.leading.match(national):
                        return plan.region if plan.valid.fullmatch(national) else None
                elif plan.valid.fullmatch(national):
                    return plan.region
            return None
    return None


@cache
def _plans(code: int) -> tuple[_Plan, ...]:
    plans = []
    for region in COUNTRY_CODE_TO_REGION_CODE[code]:
        metadata = PhoneMetadata.metadata_for_region(region)
        if metadata is None or metadata.general_desc is None:  # 800, 870 and other codes of no country
            return ()
        general = metadata.general_desc
        kinds = [getattr(metadata, kind) for kind in _KINDS]
        patterns = [_group(kind.national_number_pattern) for kind in kinds if kind and kind.national_number_pattern]
        leading = metadata.leading_digits
        plans.append(
            _Plan(
                region=region,
                leading=re.compile(leading) if leading else None,
                valid=re.compile(f"(?={_group(general.national_number_pattern)}$)(?:{'|'.join(patterns)})"),
            )
        )
    return tuple(plans)


def _group(pattern: str | None) -> str:
    return f"(?:{pattern})"
