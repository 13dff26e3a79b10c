"""The policy of the model: few places, short lives, one category for each promise that differs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

LEASE = timedelta(seconds=60)
"""Of a hint."""
CALL_LIMIT = timedelta(seconds=10)
CALL_LEASE = timedelta(seconds=15)
RETENTION = timedelta(days=300)
"""No envelope expires while an example runs."""
START = datetime(2026, 3, 10, 18, 30, tzinfo=UTC)
"""Half past seven in the evening in Berlin: an hour and a half before it is quiet."""
ZONE = "Europe/Berlin"
OPENS, CLOSES = 8, 21  # o'clock
PROVIDER = "acme"


def _category(*, lane: str, quiet: str = "off", doubt: str = "wait", resend: bool = False) -> dict[str, object]:
    return {
        "lane": lane, "quiet": quiet, "doubt": doubt, "resend": resend, "validity": "1h", "longest": "24h",
        "min_validity": "30s", "attempts": 4, "backoff": "2s", "backoff_cap": "10s",
        "retention": f"{RETENTION.days}d", "routes": [PROVIDER],
    }  # fmt: skip


CATEGORIES = {
    "calm": _category(lane="service", quiet="courtesy"),
    "plain": _category(lane="service"),
    "code": _category(lane="otp", doubt="again"),
    "parcel": _category(lane="service", resend=True),
}
AGAIN = {"code"}
RESEND = {"parcel"}
QUIET = {"calm"}

POLICY: dict[str, object] = {
    "format": 1,
    "numbers": {"accept_fiction": True},
    "quiet": {"open": f"Mo-Su {OPENS:02}:00-{CLOSES:02}:00", "guard": "60s"},
    "lanes": {"otp": {"share": 0.2, "window": 6}, "service": {"share": 0.4, "window": 6}},
    "categories": CATEGORIES,
    "providers": {PROVIDER: {"kind": "console", "window": 6, "shortest": "5s", "longest": "2d"}},
    "senders": {"default": {PROVIDER: "smsqueue"}},
}
QUEUES = ("dispatch.otp", "dispatch.service", "dispatch.upkeep", "submit.acme.otp", "submit.acme.service")
