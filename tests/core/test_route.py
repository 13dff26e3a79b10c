"""Which provider gets a message: in turn, of those that can express what is left of its validity."""

from __future__ import annotations

from datetime import timedelta

import pytest

from smsqueue.core import policy as policies
from smsqueue.core.envelope import Attempt
from smsqueue.core.facts import CLEAR, Facts
from smsqueue.core.outcome import End, Handoff, Park
from smsqueue.core.rules.route import route
from smsqueue.core.states import Reason, State

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
THREE = ("first", "second", "third")

UNREPRESENTABLE = End(State.EXPIRED, Reason.VALIDITY_UNREPRESENTABLE)
NO_ROUTE = End(State.FAILED, Reason.NO_ROUTE)


def three(*, late_cutoff: str = "0s", reaches: str = "", shortest: str = "1m", quiet: str = "courtesy"):
    """Three providers; the others' validity ends in a queue of their own."""
    return policies.read(
        {
            "quiet": {"open": "Mo-Su 08:00-21:00", "guard": "60s"},
            "lanes": {"service": {"share": 0.2}},
            "categories": {
                "service": {
                    "lane": "service", "quiet": quiet, "validity": "4h", "longest": "24h", "min_validity": "5m",
                    "attempts": 9, "backoff": "10s", "backoff_cap": "1m", "routes": THREE, "late_cutoff": late_cutoff,
                },
                "other": {
                    "lane": "service", "quiet": "off", "validity": "4h", "longest": "24h", "min_validity": "5m",
                    "attempts": 9, "backoff": "10s", "backoff_cap": "1m", "routes": ["first"],
                },
            },
            "providers": {
                name: {"kind": "console", "shortest": shortest, "longest": "10h", "reaches_carrier": name == reaches}
                for name in THREE
            },
            "senders": {"default": {"first": "A", "second": "B", "third": "C"}, "shop": {"second": "B"}},
        }
    )  # fmt: skip


def attempts(*results: str) -> tuple[Attempt, ...]:
    return tuple(Attempt(f"f{n}", THREE[n % 3], result) for n, result in enumerate(results))


# --- in turn ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        pytest.param((), "first", id="none so far"),
        pytest.param(("refused",), "second", id="one attempt"),
        pytest.param(("refused", "refused"), "third", id="two"),
        pytest.param(("refused",) * 3, "first", id="three: from the top"),
        pytest.param(("refused", "no_route"), "third", id="who never will is not asked"),
        pytest.param(("refused", "no_route", "refused", "refused"), "third", id="nor later, when it is its turn"),
        pytest.param(("no_route", "no_route", "refused"), "third", id="only one is left"),
    ],
)
def test_each_attempt_takes_the_next_provider(envelope, noon, made, expected):
    message = envelope(attempts=attempts(*made))

    assert route(message, three(), CLEAR, noon, noon + HOUR) == Handoff(expected, noon + HOUR)


@pytest.mark.parametrize(
    ("made", "paused", "expected"),
    [
        pytest.param((), {"first"}, "second", id="the next one"),
        pytest.param((), {"first", "second"}, "third", id="the one after it"),
        pytest.param(("refused",), {"second"}, "third", id="the one after the next"),
        pytest.param(("refused", "refused"), {"third"}, "first", id="from the top"),
    ],
)
def test_a_paused_provider_loses_its_turn(envelope, noon, made, paused, expected):
    message = envelope(attempts=attempts(*made))

    got = route(message, three(), Facts(paused_providers=frozenset(paused)), noon, noon + HOUR)

    assert got == Handoff(expected, noon + HOUR)


def test_if_all_are_paused_it_waits_for_somebody(envelope, noon):
    got = route(envelope(), three(), Facts(paused_providers=frozenset(THREE)), noon, noon + HOUR)

    assert got == Park(Reason.PAUSED)


def test_if_none_ever_will_it_has_failed(envelope, noon):
    got = route(envelope(attempts=attempts("no_route", "no_route", "no_route")), three(), CLEAR, noon, noon + HOUR)

    assert got == NO_ROUTE


@pytest.mark.parametrize(("sender", "expected"), [("", "first"), ("default", "first"), ("shop", "second")])
def test_only_who_serves_its_sender_is_asked(envelope, noon, sender, expected):
    assert route(envelope(sender=sender), three(), CLEAR, noon, noon + HOUR) == Handoff(expected, noon + HOUR)


def test_a_sender_that_nobody_serves_has_no_route(envelope, noon):
    assert route(envelope(sender="gone"), three(), CLEAR, noon, noon + HOUR) == NO_ROUTE


def test_a_category_has_its_own_routes(envelope, noon):
    message = envelope(category="other", attempts=attempts("no_route"))

    assert route(message, three(), CLEAR, noon, noon + HOUR) == NO_ROUTE


# --- what is left of the validity -------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        pytest.param(timedelta(seconds=60), "first", id="just what providers can say"),
        pytest.param(timedelta(seconds=59), None, id="a second less"),
    ],
)
def test_a_validity_that_nobody_can_express_is_the_end(envelope, noon, left, expected):
    got = route(envelope(), three(), CLEAR, noon, noon + left)

    assert got == (Handoff(expected, noon + left) if expected else UNREPRESENTABLE)


@pytest.mark.parametrize(
    ("left", "deadline", "options", "expected"),
    [
        pytest.param(60 * MINUTE, 4 * HOUR, {}, "first", id="an hour before the night"),
        pytest.param(59 * MINUTE, 4 * HOUR, {}, None, id="less than an hour, and all queue by themselves"),
        pytest.param(59 * MINUTE, 4 * HOUR, {"reaches": "first"}, "first", id="the first hands its validity on"),
        pytest.param(59 * MINUTE, 4 * HOUR, {"reaches": "third"}, "third", id="the third does"),
        pytest.param(61 * MINUTE, 4 * HOUR, {"reaches": "third"}, "first", id="time enough for any"),
        pytest.param(59 * MINUTE, 59 * MINUTE, {}, "first", id="its deadline ends it, not the night"),
        pytest.param(59 * MINUTE, 60 * MINUTE, {}, None, id="the night ends it a minute before its deadline"),
        pytest.param(59 * MINUTE, 4 * HOUR, {"late_cutoff": "0s"}, "first", id="a category without a cut-off"),
        pytest.param(59 * MINUTE, 4 * HOUR, {"late_cutoff": "59m"}, "first", id="a cut-off that is not reached"),
    ],
)
def test_late_in_the_evening_only_who_hands_validity_on_is_asked(envelope, noon, left, deadline, options, expected):
    rules = three(**{"late_cutoff": "60m", **options})

    got = route(envelope(deadline=noon + deadline), rules, CLEAR, noon, noon + left)

    assert got == (Handoff(expected, noon + left) if expected else UNREPRESENTABLE)


@pytest.mark.parametrize(
    ("made", "ailing", "paused", "expected"),
    [
        pytest.param((), {"first"}, (), "second", id="another is better"),
        pytest.param((), {"first", "second"}, (), "third", id="the only one that is well"),
        pytest.param(("refused",), {"first"}, (), "second", id="another's turn anyway"),
        pytest.param((), {"first"}, {"second"}, "third", id="a paused one is no better"),
        pytest.param((), THREE, (), "first", id="all are ailing: the one whose turn it is"),
        pytest.param(("refused",), THREE, (), "second", id="all are ailing, at the second attempt"),
        pytest.param((), {"first"}, {"second", "third"}, "first", id="the others are paused: wait at its door"),
        pytest.param((), {"first"}, THREE, None, id="paused counts more than ailing"),
        pytest.param(("no_route",), {"first"}, {"second", "third"}, None, id="it never will, well or not"),
        pytest.param(("refused", "no_route", "no_route"), {"first"}, (), "first", id="the others never will"),
    ],
)
def test_an_ailing_provider_is_the_last_choice_of_all(envelope, noon, made, ailing, paused, expected):
    facts = Facts(paused_providers=frozenset(paused), ailing_providers=frozenset(ailing))

    got = route(envelope(attempts=attempts(*made)), three(), facts, noon, noon + HOUR)

    assert got == (Handoff(expected, noon + HOUR) if expected else Park(Reason.PAUSED))


def test_an_ailing_provider_that_cannot_take_it_in_time_is_no_choice(envelope, noon):
    facts = Facts(ailing_providers=frozenset({"first"}))
    soon = noon + 59 * MINUTE

    assert route(envelope(), three(late_cutoff="60m", reaches="second"), facts, noon, soon) == Handoff("second", soon)
    assert route(envelope(), three(late_cutoff="60m"), facts, noon, soon) == UNREPRESENTABLE


@pytest.mark.parametrize("paused", THREE)
@pytest.mark.parametrize(
    ("left", "expected"),
    [
        pytest.param(59 * MINUTE, Park(Reason.PAUSED), id="of which the paused one could take it: wait for it"),
        pytest.param(59 * timedelta(seconds=1), UNREPRESENTABLE, id="nor could the paused one: never"),
    ],
)
def test_others_cannot_express_what_is_left(envelope, noon, paused, left, expected):
    rules = three(late_cutoff="60m", reaches=paused)
    facts = Facts(paused_providers=frozenset({paused}))

    assert route(envelope(), rules, facts, noon, noon + left) == expected
