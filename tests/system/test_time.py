"""Through the real pipeline with the server's clock moved: nine in the evening, deadlines, nights of a clock change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lab.system import System
from lab.waiting import wait_for
from smsqueue import Message, Reason, State

pytestmark = pytest.mark.slow

HOUR = timedelta(hours=1)
LONDON = "+447700900123"
LONGEST = 36_000  # s; what Twilio takes


class Clocked:
    """A system whose clock stands where a test puts it, and goes on from there."""

    def __init__(self, system: System) -> None:
        self.system, self.store = system, system.client.store

    def at(self, *fields: int) -> datetime:
        """Move everybody's clock to an instant in UTC; tests go forward in time."""
        now = datetime(*fields, tzinfo=UTC)
        offset = now - datetime.now(UTC)
        self.store.redis.set(self.store.keys.clock, offset // timedelta(milliseconds=1))
        self.store.greet()
        return now

    def send(self, category="service", **changes):
        return self.system.client.send(Message(to=LONDON, text="Your table.", category=category, **changes))

    def envelope(self, id):
        return self.system.client.status([id])[0]

    def becomes(self, id, *states):
        wait_for(lambda: self.envelope(id).state in states, f"one of {states}", within=20)
        return self.envelope(id)

    def received(self, id):
        return next((record for record in self.system.received() if record["id"] == id), None)

    def validity(self, id):
        """Return what the provider was told, after the message came through."""
        self.becomes(id, State.SUBMITTED, State.DELIVERED)
        return self.received(id)["validity"][0]


@pytest.fixture(scope="module")
def clocked(tmp_path_factory):
    with System(tmp_path_factory.mktemp("time"), SMSQUEUE_TESTING="true") as system:
        yield Clocked(system)


@pytest.fixture
def workers(clocked):
    """Start processes by role; they end with the test."""
    started = []

    def run(**counts):
        started.extend(clocked.system.fleet.workers(**counts))

    yield run
    for process in started:
        process.kill()


def test_what_passed_dispatch_before_nine_is_held_at_the_gate_after_nine(clocked, workers):
    clocked.at(2027, 1, 12, 20, 50)
    accepted = clocked.send(validity=24 * HOUR)
    assert accepted.until is None
    workers(dispatch=1)
    wait_for(lambda: clocked.envelope(accepted.id).home.startswith("submit."), "the queue of the provider")

    clocked.at(2027, 1, 12, 21, 1)
    workers(submit=1)

    held = clocked.becomes(accepted.id, State.HELD)
    opens = datetime(2027, 1, 13, 8, 1, tzinfo=UTC)
    assert (held.reason, clocked.received(accepted.id)) == (Reason.QUIET_HOURS, None)
    clocked.at(2027, 1, 13, 8, 0)
    assert clocked.envelope(accepted.id).state is State.HELD

    now = clocked.at(2027, 1, 13, 8, 7)
    assert clocked.validity(accepted.id) == LONGEST < (opens.replace(hour=20, minute=59) - now).total_seconds()


def test_what_is_accepted_at_a_minute_to_nine_is_held_from_the_start(clocked):
    clocked.at(2027, 1, 13, 20, 59)
    accepted = clocked.send(validity=24 * HOUR)

    assert (accepted.state, accepted.reason) == (State.HELD, Reason.QUIET_HOURS)
    assert timedelta(0) <= accepted.until - datetime(2027, 1, 14, 8, 1, tzinfo=UTC) <= timedelta(minutes=5)
    clocked.system.client.cancel([accepted.id])


def test_the_provider_is_told_a_validity_that_ends_before_the_night(clocked, workers):
    clocked.at(2027, 1, 14, 15)
    workers(dispatch=1, submit=1)
    accepted = clocked.send(validity=24 * HOUR)

    told = clocked.validity(accepted.id)

    assert timedelta(seconds=told) <= 5 * HOUR + timedelta(minutes=59) < timedelta(seconds=told + 60)


def test_a_reminder_whose_event_passed_during_a_stop_of_two_hours_is_never_submitted(clocked, workers):
    now = clocked.at(2027, 1, 15, 10)
    accepted = clocked.send("reminder", event_at=now + HOUR)
    just = clocked.send("reminder", event_at=now + 3 * HOUR)
    assert accepted.state is State.QUEUED

    clocked.at(2027, 1, 15, 12)
    workers(dispatch=1, submit=1)

    assert clocked.becomes(accepted.id, State.EXPIRED).reason is Reason.TTL
    assert clocked.validity(just.id) <= HOUR.total_seconds() < clocked.validity(just.id) + 60
    assert clocked.received(accepted.id) is None


@pytest.mark.parametrize(
    ("evening", "still_quiet", "morning", "validity"),
    [
        pytest.param(
            (2027, 3, 27, 22), (2027, 3, 28, 6, 59), (2027, 3, 28, 7, 7), 173, id="the night that lost an hour"
        ),
        pytest.param(
            (2027, 10, 30, 21), (2027, 10, 31, 7, 59), (2027, 10, 31, 8, 7), 53, id="the night that had one more"
        ),
    ],
)
def test_the_morning_after_a_clock_change_begins_by_the_new_clock(
    clocked, workers, evening, still_quiet, morning, validity
):
    clocked.at(*evening)
    accepted = clocked.send(validity=12 * HOUR)
    assert accepted.state is State.HELD
    workers(dispatch=1, submit=1)

    clocked.at(*still_quiet)
    marker = clocked.send("alert")  # passes both workers: what was due before has been looked at
    clocked.becomes(marker.id, State.SUBMITTED, State.DELIVERED)
    assert clocked.envelope(accepted.id).state is State.HELD
    clocked.at(*morning)

    told = clocked.validity(accepted.id)
    assert told <= validity * 60 < told + 60
