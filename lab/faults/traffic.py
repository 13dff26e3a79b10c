"""What producers send during a trial. Each message has a key, so that repeating it changes nothing."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from lab import ledger
from lab.canary.canary import Canary, canary
from smsqueue import Message

CAMPAIGN = "faults"
TENANTS = 3
ALIVE = [canary(f"+1{202 + n % 3}555{101 + n:04d}", n) for n in range(60)]
"""Numbers and words that must show in clear nowhere but at the provider."""
LONDON = [canary(f"+447700900{n:03d}", 60 + n) for n in range(60)]
AUSTRALIA = [canary(f"+61491570{n}", 120 + place) for place, n in enumerate((156, 157, 158, 159, 110))]
ALL = (*ALIVE, *LONDON, *AUSTRALIA)

EVENING = datetime(2027, 1, 12, 20, 52, 30, tzinfo=UTC)
"""In London: 90 seconds are left in which a message that keeps quiet hours may go."""
STRIKES = datetime(2027, 1, 12, 21, 0, 30, tzinfo=UTC)
DEADLINE = datetime(2027, 1, 12, 20, 58, tzinfo=UTC)


def ordinary(n: int) -> Message:
    """Of each ten: nine of a service that its customers want at any hour, a one-time code."""
    return _message(ALIVE[n % 60], n, "otp" if n % 10 == 0 else "alert")


def evening(n: int) -> Message:
    """Of each ten: four for London's day, three with a deadline before nine, two at any hour, a one-time code."""
    if n % 10 in {1, 2, 3, 4}:
        return replace(_message(LONDON[n % 60], n, "service"), validity=timedelta(hours=24))
    message = ordinary(n)
    return replace(message, deadline=DEADLINE) if n % 10 in {5, 6, 7} else message


def superseding(n: int) -> Message:
    """Ordinary messages, of each ten one that takes the place of an older one."""
    message = replace(ordinary(n), tenant=f"t{n % TENANTS}")
    if n % 10 != 9:
        return message
    return replace(message, to=ALIVE[9].number, tenant="t0", supersede_key=str(n % 50))


def by_day(n: int) -> Message:
    """Ordinary messages, and as many that keep quiet hours, to where it is day now."""
    if n % 2:
        return ordinary(n)
    awake = _awake()
    return _message(awake[n // 2 % len(awake)], n, "service")


def _awake() -> list[Canary]:
    """Return those of a country in which it is day on every clock, now and for an hour."""
    now = time.time()
    for people in (LONDON, ALIVE, AUSTRALIA):
        if not any(ledger.is_night(people[0].number, now + after) for after in (-600, 0, 3600)):
            return people
    raise RuntimeError("there is no country left in which it is day")


def _message(to: Canary, n: int, category: str) -> Message:
    return Message(
        to=to.number, text=f"Message {n} {to.token}", category=category, campaign=CAMPAIGN, idempotency_key=str(n)
    )
