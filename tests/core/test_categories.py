"""What categories ask of a message at the door, and how they treat a slot that is quiet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.system import POLICY
from smsqueue import InvalidMessage, InvalidPolicy, Message, Reason, State, policy_file
from smsqueue.admission import admit
from smsqueue.core import policy as policies
from smsqueue.core.facts import CLEAR
from smsqueue.core.outcome import Hold
from smsqueue.core.rules.advance import advance
from smsqueue.core.rules.hours import hours
from smsqueue.core.rules.route import route
from smsqueue.keyring import Keyring

PARIS = ZoneInfo("Europe/Paris")
KEYS = Keyring.generate()
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def policy(**categories):
    document = policy_file.document(POLICY)
    for name, keys in categories.items():
        document["categories"][name] = {**document["categories"][name], **keys}
    return policies.read(document)


def paris(text):
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).astimezone(UTC)


def message(category, **rest):
    return Message(to="+33639981234", text="Hello.", category=category, timezone="Europe/Paris", **rest)


def accept(given, now, rules=None):
    return admit(given, policy=rules or policy(), keyring=KEYS, now=now).entry.envelope


def refused(given, now=None, rules=None):
    with pytest.raises(InvalidMessage) as caught:
        accept(given, now or paris("2026-11-24T12:00"), rules)
    return caught.value.field, caught.value.rule


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(message("reminder"), ("deadline", "required"), id="a reminder that says nothing of its event"),
        pytest.param(
            message("service", validity=HOUR, event_at=paris("2026-11-25T12:00")),
            ("validity", "deadline_and_validity"),
            id="a validity and an event",
        ),
        pytest.param(
            message("reminder", event_at=datetime(2026, 11, 25, 12, 0)),  # noqa: DTZ001 - that is the mistake
            ("event_at", "naive_datetime"),
            id="an event without a time zone",
        ),
        pytest.param(
            message("reminder", event_at=paris("2026-11-24T11:00")), ("event_at", "ttl"), id="an event that has passed"
        ),
        pytest.param(
            message("reminder", event_at=paris("2027-03-24T11:00")), ("event_at", "too_long"), id="an event far ahead"
        ),
        pytest.param(message("emergency"), ("category", "not_allowed"), id="an emergency of somebody not named"),
        pytest.param(message("urgent"), ("category", "unknown_category"), id="a category nobody knows"),
    ],
)
def test_what_a_category_refuses_at_the_door(given, expected):
    assert refused(given) == expected


def test_a_named_tenant_may_send_an_emergency_at_any_hour():
    rules = policy(emergency={"tenants": ["fire-brigade"], "routes": ["twilio"]})
    envelope = accept(message("emergency", tenant="fire-brigade"), paris("2026-11-24T03:00"), rules)

    assert (envelope.state, envelope.lane) == (State.QUEUED, "otp")
    assert refused(message("emergency", tenant="shop"), rules=rules) == ("category", "not_allowed")


def test_an_alias_is_stored_under_the_categorys_own_name():
    assert accept(message("transactional"), paris("2026-11-24T12:00")).category == "service"


@pytest.mark.parametrize(
    ("aliases", "says"),
    [({"urgent": "nothing"}, "there is no category nothing"), ({"otp": "service"}, "that is a category itself")],
)
def test_an_alias_that_leads_nowhere_or_hides_a_category_is_refused(aliases, says):
    document = policy_file.document(POLICY)
    document["aliases"] = aliases
    with pytest.raises(InvalidPolicy, match=says):
        policies.read(document)


def test_an_event_with_a_lead_ends_before_the_event():
    rules = policy(reminder={"lead": "2h"})
    event = paris("2026-11-25T16:00")

    assert accept(message("reminder", event_at=event), paris("2026-11-24T12:00"), rules).deadline == event - 2 * HOUR


@pytest.mark.parametrize(
    ("now", "slot", "event", "expected"),
    [
        pytest.param(
            "2026-11-24T12:00", "2026-11-25T06:00", "2026-11-25T07:00", "2026-11-24T20:49", id="the evening before"
        ),
        pytest.param(
            "2026-11-24T20:55", "2026-11-25T06:00", "2026-11-25T07:00", None, id="too little of the evening is left"
        ),
        pytest.param("2026-11-24T22:30", "2026-11-25T06:00", "2026-11-25T07:00", None, id="it is night already"),
        pytest.param(
            "2026-11-24T22:30", "2026-11-26T06:00", "2026-11-26T07:00", "2026-11-25T20:49", id="the evening in between"
        ),
        pytest.param(
            "2026-11-24T12:00", "2026-11-27T06:00", "2026-11-27T07:00", "2026-11-26T20:49", id="the last of evenings"
        ),
        pytest.param(
            "2026-11-24T12:00", "2026-11-25T06:00", "2026-11-25T09:30", "2026-11-25T08:01", id="after the night will do"
        ),
        pytest.param(
            "2026-03-28T12:00",
            "2026-03-29T06:00",
            "2026-03-29T07:00",
            "2026-03-28T20:49",
            id="the night the clocks go on",
        ),
    ],
)
def test_a_reminder_whose_slot_is_quiet_goes_before_it_or_is_refused(now, slot, event, expected):
    rules = policy(reminder={"spread": "0s"})
    given = message("reminder", not_before=paris(slot), event_at=paris(event))
    if expected is None:
        assert refused(given, paris(now), rules) == ("deadline", "ttl_before_window")
    else:
        admitted = admit(given, policy=rules, keyring=KEYS, now=paris(now))
        assert admitted.until == paris(expected)


@given(
    start=st.integers(0, 366 * 24 * 60).map(lambda m: datetime(2026, 1, 1, tzinfo=UTC) + m * MINUTE),
    ahead=st.sampled_from([10 * MINUTE, HOUR, 7 * HOUR, 11 * HOUR, 24 * HOUR, 72 * HOUR]),
    extra=st.sampled_from([10 * MINUTE, HOUR, 3 * HOUR]),
)
@settings(max_examples=300, derandomize=True, deadline=None)
def test_what_is_advanced_can_be_sent_then_and_no_later(start, ahead, extra):
    rules = policy(reminder={"spread": "0s"})
    slot = start + ahead
    noon = paris("2026-11-24T12:00")
    base = accept(message("reminder", validity=HOUR), noon)
    envelope = base._replace(not_before=slot, deadline=slot + extra, zones="Europe/Paris")
    found = advance(envelope, rules, start)
    if found is None:
        return
    least = rules.categories["reminder"].min_validity
    assert start <= found < slot
    sendable = envelope._replace(not_before=None, deadline=slot)
    assert isinstance(hours(sendable, rules, found), datetime)
    for later in range(1, 600, 7):  # nothing later, up to the slot, has its least validity
        at = found + later * MINUTE
        if at + least <= slot:
            assert not isinstance(hours(sendable, rules, at), datetime)


@pytest.mark.parametrize(
    ("at", "reaches", "goes"),
    [
        pytest.param("2026-11-24T18:50", False, True, id="more than an hour before quiet"),
        pytest.param("2026-11-24T19:10", False, False, id="less than an hour, and the provider queues by itself"),
        pytest.param("2026-11-24T19:10", True, True, id="less than an hour, and the carrier knows the validity"),
    ],
)
def test_what_a_providers_own_queue_might_carry_into_the_night_waits_for_the_morning(at, reaches, goes):
    document = policy_file.document(POLICY)
    document["providers"]["twilio"]["reaches_carrier"] = reaches
    rules = policies.read(document)
    envelope = accept(message("promotional", validity=timedelta(hours=24)), paris("2026-11-24T12:00"))
    answer = hours(envelope, rules, paris(at))

    assert isinstance(answer, datetime) is goes
    if not goes:
        assert isinstance(answer, Hold)
        assert answer.until >= paris("2026-11-25T08:31")
        assert isinstance(hours(envelope, rules, answer.until), datetime)


def test_of_two_providers_only_the_one_that_reaches_the_carrier_is_used_late_in_the_evening():
    document = policy_file.document(POLICY)
    document["providers"]["console"]["reaches_carrier"] = True
    document["categories"]["promotional"]["routes"] = ["twilio", "console"]
    rules = policies.read(document)
    envelope = accept(message("promotional", validity=timedelta(hours=24)), paris("2026-11-24T12:00"))
    early, late = paris("2026-11-24T15:00"), paris("2026-11-24T19:10")

    chosen = [route(envelope, rules, CLEAR, at, hours(envelope, rules, at)).provider for at in (early, late)]
    assert chosen == ["twilio", "console"]


@pytest.mark.parametrize("keys", [{"spread": "5m"}, {"late_cutoff": "1h"}, {"on_conflict": "advance"}])
def test_a_category_that_ignores_quiet_hours_has_no_business_with_their_edges(keys):
    with pytest.raises(InvalidPolicy, match="about quiet hours, which it does not respect"):
        policy(otp=keys)


def test_the_decision_of_a_held_reminder_says_why():
    envelope = accept(message("reminder", event_at=paris("2026-11-25T12:00")), paris("2026-11-24T23:00"))
    assert (envelope.state, envelope.reason) == (State.HELD, Reason.QUIET_HOURS)
