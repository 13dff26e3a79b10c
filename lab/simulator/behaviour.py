"""What the stand-in does with a message."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from enum import StrEnum


class Act(StrEnum):
    """One way to answer."""

    ACCEPT = "accept"
    ERROR_500 = "error_500"
    THROTTLE = "throttle"
    HANG = "hang"
    TAKE_AND_DROP = "take_and_drop"
    TRICKLE = "trickle"
    NOT_JSON = "not_json"
    CUT_SHORT = "cut_short"
    HUGE = "huge"
    REDIRECT = "redirect"
    BAD_NUMBER = "bad_number"
    OPTED_OUT = "opted_out"
    UNKNOWN_CODE = "unknown_code"
    ERROR_503 = "error_503"
    HTML_502 = "html_502"
    UNAUTHORISED = "unauthorised"


TAKES = frozenset({Act.ACCEPT, Act.TAKE_AND_DROP, Act.TRICKLE, Act.NOT_JSON, Act.CUT_SHORT, Act.HUGE, Act.ERROR_503})
"""Who behaves so has the message: it counts as sent to the phone."""

SPECIAL = {
    "0190": Act.ERROR_500,
    "0191": Act.THROTTLE,
    "0192": Act.HANG,
    "0193": Act.TAKE_AND_DROP,
    "0194": Act.TRICKLE,
    "0195": Act.NOT_JSON,
    "0196": Act.CUT_SHORT,
    "0197": Act.HUGE,
    "0198": Act.REDIRECT,
    "0180": Act.BAD_NUMBER,
    "0181": Act.OPTED_OUT,
    "0182": Act.UNKNOWN_CODE,
    "0183": Act.ERROR_503,
    "0184": Act.HTML_502,
    "0185": Act.UNAUTHORISED,
}
ONCE = frozenset({Act.THROTTLE})
"""Only the first submit of a message meets these: the next one is accepted."""

ERRORS = {
    Act.BAD_NUMBER: (400, 21211),
    Act.OPTED_OUT: (400, 21610),
    Act.UNKNOWN_CODE: (400, 21999),
    Act.ERROR_503: (503, 20503),
    Act.UNAUTHORISED: (401, 20003),
    Act.THROTTLE: (429, 20429),
}


@dataclass(slots=True)
class Behaviour:
    """How the stand-in behaves; every field may be changed while it runs (`POST /_sim/config`)."""

    latency_ms: float = 100.0
    shares: dict[str, float] = field(default_factory=dict)  # Act -> share of first submits
    hanging: list[str] = field(default_factory=list)  # senders whose requests are never answered
    callbacks: bool = False
    callback_delay_ms: float = 50.0
    callback_tries: int = 3
    undelivered: float = 0.0  # share of receipts
    seed: int = 1

    def choose(self, to: str, sender: str, key: str, earlier: int) -> Act:
        """Choose for one request. The same message and seed choose the same, in every run."""
        if sender in self.hanging:
            return Act.HANG
        act = SPECIAL.get(to[-4:])
        if act is not None:
            return Act.ACCEPT if act in ONCE and earlier else act
        if not self.shares or earlier:
            return Act.ACCEPT
        at = random.Random(f"{self.seed}{key}").random()
        for name, share in self.shares.items():
            if at < share:
                return Act(name)
            at -= share
        return Act.ACCEPT
