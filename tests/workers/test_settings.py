"""A setting that cannot be worked with stops the start, and is named without its value."""

from __future__ import annotations

import pytest

from config import settings
from smsqueue.errors import Misconfigured


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("SMSQUEUE_REDIS_URL", "redis://somewhere:6379/0")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        *(
            pytest.param(name, value, "has to last: write a duration above 0s", id=f"{name} of {value}")
            for name in ("TICK", "HINT_LEASE", "HINT_LEASE_FIRST", "CALL_LIMIT", "SETTLE_LIMIT")
            for value in ("0s",)
        ),
        pytest.param("SLOTS", "0", "greater than or equal to 1", id="no slots"),
        pytest.param("REPLICAS", "-1", "greater than or equal to 0", id="fewer replicas than none"),
        pytest.param("TICK", "soon", "TICK", id="a duration that is none"),
        pytest.param("LOG_LEVEL", "LOUD", "LOG_LEVEL", id="a level that is none"),
    ],
)
def test_a_limit_of_zero_is_refused(name, value, says, monkeypatch):
    monkeypatch.setenv(f"SMSQUEUE_{name}", value)

    with pytest.raises(Misconfigured, match=says) as caught:
        settings.read()

    assert str(caught.value).startswith(f"SMSQUEUE_{name}: ")
    assert "LOUD" not in str(caught.value)


def test_the_defaults_are_good():
    assert settings.read().slots == 800
