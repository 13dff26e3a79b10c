"""The secret half of a message: written and read back whatever it holds, and compared with what the envelope shows."""

from __future__ import annotations

import pytest

from smsqueue.core import payload
from smsqueue.core.decisions import Decision
from smsqueue.core.envelope import Attempt, Envelope
from smsqueue.core.payload import Payload, dump, load
from smsqueue.core.states import Reason, State

FACTS = ("US-FL", "~A/New_York", 2, "shop")


@pytest.mark.parametrize(
    ("text", "metadata", "facts"),
    [
        pytest.param("Hello.", {}, FACTS, id="plain"),
        pytest.param("one\ntwo\n\nthree\n", {}, FACTS, id="a text of lines"),
        pytest.param("Grüße, 你好 🎉", {"order": "7\n8", "ü": "é"}, FACTS, id="metadata with a line end"),
        pytest.param("x", {}, ("001", "", 1, ""), id="as little as there is"),
    ],
)
def test_a_payload_is_read_back_as_it_was_written(text, metadata, facts):
    given = Payload(to="+12025550123", text=text, metadata=metadata, facts=facts)

    assert load(dump(given)) == given


def test_its_form_is_a_line_for_each_field_and_the_text_last():
    given = Payload(to="+12025550123", text="a\nb", metadata={"k": "v"}, facts=FACTS)

    assert dump(given) == b'+12025550123\nUS-FL\n~A/New_York\n2\nshop\n{"k": "v"}\na\nb'
    assert dump(Payload(to="+12025550123", text="a", metadata={}, facts=FACTS)).endswith(b"\nshop\n\na")
    assert payload.LONGEST == 32_768


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        pytest.param({}, True, id="as it was sealed"),
        pytest.param({"region": "US"}, False, id="another region"),
        pytest.param({"zones": ""}, False, id="other zones"),
        pytest.param({"segments": 1}, False, id="other segments"),
        pytest.param({"sender": ""}, False, id="another sender"),
        pytest.param({"reason": "retry", "looks": 3}, True, id="what may change"),
    ],
)
def test_an_envelope_that_somebody_changed_does_not_match(envelope, changes, same):
    region, zones, segments, sender = FACTS
    shown = envelope(**{"region": region, "zones": zones, "segments": segments, "sender": sender, **changes})

    assert Payload(to="+12025550123", text="x", metadata={}, facts=FACTS).matches(shown) is same


def test_of_an_envelope_nothing_is_known_that_nobody_said():
    names = Envelope._fields[: len(Envelope._fields) - len(Envelope._field_defaults)]
    usual = Envelope(*names)

    assert (usual.version, usual.looks, usual.attempts, usual.not_before) == (1, 0, (), None)
    assert usual.reason == "none"
    words = ("home", "tenant", "campaign", "sender", "zones", "fence", "stop", "codes")
    assert [getattr(usual, word) for word in words] == [""] * len(words)


def test_the_last_decisions_are_read_from_their_codes(envelope, noon):
    assert envelope(codes="Hqhtp09c0.7").decisions == (Decision(State.HELD, Reason.QUIET_HOURS, noon, 7),)
    assert envelope().decisions == ()


def test_an_attempt_is_found_by_its_fence(envelope):
    first, second = Attempt("f0", "a", "refused"), Attempt("f1", "b", "")

    assert envelope(attempts=(first, second)).attempt("f1") == second
    assert envelope(attempts=(first, second)).attempt("f0") == first
    assert envelope(attempts=(first,)).attempt("f1") is None
