"""The names of queues, and what they say."""

from __future__ import annotations

import pytest

from smsqueue.core.change import UPKEEP_QUEUE, provider_of, queue_of_dispatch, queue_of_submit


@pytest.mark.parametrize(
    ("home", "provider"),
    [
        pytest.param(queue_of_submit("twilio", "otp"), "twilio", id="what waits to be submitted waits for a provider"),
        pytest.param(queue_of_dispatch("otp"), "", id="what waits to be decided waits for nobody"),
        pytest.param(UPKEEP_QUEUE, "", id="upkeep is no provider's"),
        pytest.param("due", "", id="what sleeps waits for nobody"),
        pytest.param("wire:twilio.otp", "", id="what is on the wire waits no more"),
        pytest.param("", "", id="what has ended is nowhere"),
    ],
)
def test_a_home_names_the_provider_that_is_waited_for(home, provider):
    assert provider_of(home) == provider
