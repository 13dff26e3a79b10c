"""One message and one policy, in which a table changes what its row is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from smsqueue.core import policy as policies
from smsqueue.core.envelope import Envelope
from smsqueue.core.states import State

if TYPE_CHECKING:
    from smsqueue.core.policy import Policy

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def noon() -> datetime:
    """A Tuesday at which London is open."""
    return NOON


@pytest.fixture(scope="session")
def envelope():
    """A message to London, accepted at noon and good until four."""

    def made(**changes) -> Envelope:
        usual = {
            "id": "00AbCdEfGhIjKlMnOp",
            "state": State.QUEUED,
            "category": "service",
            "lane": "service",
            "region": "GB",
            "segments": 1,
            "key_id": "k1",
            "created": NOON,
            "deadline": NOON + timedelta(hours=4),
            "fingerprint": "f",
            "home": "somewhere",
        }
        return Envelope(**{**usual, **changes})

    return made


@pytest.fixture(scope="session")
def policy():
    """Two providers, one quiet category: three attempts, ten seconds apart at first, never twice."""

    def made(**changes) -> Policy:
        category = {
            "lane": "service",
            "quiet": "courtesy",
            "validity": "4h",
            "longest": "24h",
            "min_validity": "5m",
            "attempts": 3,
            "backoff": "10s",
            "backoff_cap": "1m",
            "routes": ["first", "second"],
        }
        providers = changes.pop("providers", {})
        provider = {"kind": "console", "shortest": "1m", "longest": "10h"}
        return policies.read(
            {
                "quiet": {"open": "Mo-Su 08:00-21:00", "guard": "60s"},
                "lanes": {"service": {"share": 0.2}},
                "categories": {"service": {**category, **changes}},
                "providers": {name: {**provider, **providers.get(name, {})} for name in ("first", "second")},
                "senders": {
                    "default": {"first": "+12025550100", "second": "SHOP"},
                    "only_second": {"second": "SHOP"},
                },
            }
        )

    return made
