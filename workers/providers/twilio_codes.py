"""Twilio's error codes and what they mean for us.

https://www.twilio.com/docs/api/errors

One table for submits (JSON `code`) and receipts (`ErrorCode`): with a Messaging Service any code can come in
either phase.
"""

from __future__ import annotations

from typing import NamedTuple

from smsqueue.core.submission import SendStatus


class Meaning(NamedTuple):
    """A provider's code in our words; `code` replaces the number where policy has to know it."""

    status: SendStatus
    code: str = ""


_NUMBER = (14101, 21211, 21217, 21265, 21266, 21421, 21604, 21614, 21635, 30005)
_BLOCKED = (30004, 30450, 30453)
_CONTENT = (
    21602, 21605, 21617, 21618, 21619, 21620, 21623, 21654, 21655, 21656, 21658, 30007, 30019,
)  # fmt: skip
_UNROUTABLE = (
    21408,  # no permission for the country on this account
    21612,
    30006,
    30011,
)
_SENDER = (
    21212, 21601, 21603, 21606, 21607, 21616, 21621, 21657, 21659, 21660, 21661, 21708, 21709, 21711, 21715,
    30018, 30024, 30032, 30033, 30034, 30035,
)  # fmt: skip
_CONFIGURATION = (
    20001, 20422, 20423, 21609, 21624, 21626, 21701, 21702, 21703, 21704, 21705, 21717, 30028, 30029, 30030,
    35111, 35114, 35115, 35117, 35118, 35126, 90007, 90014,
)  # fmt: skip
_AUTHENTICATION = (
    20003, 20005, 20006, 20008, 20010, 20403, 20404,
    21608,  # a trial account, and the number is not verified
    30002,  # also how a zero balance shows
    90010,
)  # fmt: skip
_THROTTLED = (
    14107, 20429, 21611, 30001, 30017, 30022, 30023, 30027, 35125, 63017, 63018, 63038,
)  # fmt: skip
_PASSING = (
    30003,  # handset unreachable: the carrier tried again already
    30020,
    30021,
)
_EXPIRED = (30036,)
_OPTED_OUT = (21610,)
_UNSURE = (20500, 20503)

UNSURE_RECEIPTS = frozenset({30008, 30410})
"""No cause given, and the provider timed out: it may have been delivered."""
TEMPORARY_RECEIPTS = frozenset((*_PASSING, *_THROTTLED, *_EXPIRED))
"""Not delivered, and another attempt may be: the phone was off, the way too busy, the validity over in the queue."""

SUBMIT: dict[int, Meaning] = {
    **dict.fromkeys((*_NUMBER, *_BLOCKED, *_CONTENT), Meaning(SendStatus.REJECTED)),
    **dict.fromkeys(_OPTED_OUT, Meaning(SendStatus.REJECTED, "opted_out")),
    **dict.fromkeys(_EXPIRED, Meaning(SendStatus.REJECTED, "expired")),
    **dict.fromkeys(_UNROUTABLE, Meaning(SendStatus.NO_ROUTE)),
    **dict.fromkeys((*_SENDER, *_CONFIGURATION, *_AUTHENTICATION), Meaning(SendStatus.ACCOUNT)),
    **dict.fromkeys(_THROTTLED, Meaning(SendStatus.THROTTLED)),
    **dict.fromkeys(_PASSING, Meaning(SendStatus.REFUSED)),
    **dict.fromkeys(_UNSURE, Meaning(SendStatus.UNKNOWN)),
}
