"""The policy: what is in force is valid as a whole, and a mistake is named by its place."""

from __future__ import annotations

import copy
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from smsqueue import policy_file
from smsqueue.core import duration
from smsqueue.core import policy as policies
from smsqueue.core.policy import Doubt, QuietKind
from smsqueue.errors import InvalidPolicy

LAB = Path(__file__).parents[2] / "lab" / "policy.toml"
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def changed(place: str, value: object) -> dict:
    """The package's document with one value changed, or removed if it is None."""
    document = copy.deepcopy(policy_file.document(None))
    *way, last = place.split(".")
    table = document
    for name in way:
        table = table.setdefault(name, {})
    if value is None:
        del table[last]
    else:
        table[last] = value
    return document


def refusal(document: dict) -> str:
    with pytest.raises(InvalidPolicy) as caught:
        policies.read(document)
    assert caught.value.__context__ is None
    return str(caught.value)


# --- what is shipped --------------------------------------------------------------------------


def test_the_packages_policy_is_valid():
    policy = policies.read(policy_file.document(None))

    assert set(policy.categories) == {"otp", "emergency", "service", "reminder", "promotional"}
    assert policy.categories["emergency"].tenants == ()  # nobody, until an operator names somebody
    assert not policy.numbers.accept_fiction


def test_the_packages_policy_is_quiet_for_all_but_codes_and_sends_nothing_twice_but_codes():
    categories = policies.read(policy_file.document(None)).categories

    assert {name for name, category in categories.items() if not category.quiet} == {"otp", "emergency"}
    assert {name for name, category in categories.items() if category.doubt is Doubt.AGAIN} == {"otp", "emergency"}
    assert not any(category.resend for category in categories.values())


def test_the_labs_policy_is_an_overlay():
    policy = policies.read(policy_file.document(LAB))

    assert policy.categories["otp"].routes == ("twilio",)
    assert policy.categories["otp"].attempts == 3  # of the package
    assert set(policy.providers) == {"console", "twilio"}
    assert policy.sender_id("", "twilio") == "+12025550100"


def test_a_policy_survives_being_stored():
    policy = policies.read(policy_file.document(LAB))

    assert policies.read(policy.model_dump(mode="json")) == policy


# --- mistakes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "value", "named"),
    [
        pytest.param("categories.otp.atempts", 3, "categories.otp.atempts", id="a typo in a key"),
        pytest.param("quite.open", "24/7", "quite", id="a typo in a table's name"),
        pytest.param("categories.otp.routes", ["twilo"], "there is no provider twilo", id="an unknown provider"),
        pytest.param("categories.otp.lane", "fast", "there is no lane fast", id="an unknown lane"),
        pytest.param("senders.shop", {"nobody": "SHOP"}, "senders.shop", id="a sender of an unknown provider"),
        pytest.param("categories.otp.routes", [], "categories.otp.routes", id="no provider at all"),
        pytest.param("categories.otp.routes", ["console", "console"], "names a provider twice", id="one twice"),
        pytest.param("categories.otp.validity", None, "categories.otp.validity", id="a key that is missing"),
        pytest.param("categories.otp.validity", 5, "categories.otp.validity", id="a duration without a unit"),
        pytest.param("categories.otp.validity", "5 minutes", "categories.otp.validity", id="a duration in words"),
        pytest.param(
            "categories.otp.validity", "1h", "min_validity <= validity <= longest", id="more than the longest"
        ),
        pytest.param("categories.otp.min_validity", "29s", "30s <= min_validity", id="too little for a call"),
        pytest.param("categories.reminder.longest", "33d", "at most 32d", id="farther than calendars look"),
        pytest.param("categories.otp.attempts", 0, "categories.otp.attempts", id="no attempt"),
        pytest.param("categories.otp.attempts", 11, "categories.otp.attempts", id="attempts without end"),
        pytest.param("categories.otp.doubt", "maybe", "categories.otp.doubt", id="a way of doubt that is none"),
        pytest.param("categories.+447700900123", {}, "categories", id="a category named like a number"),
        pytest.param("quiet.open", "Mo-Su 08:00-25:00", "08:00-25:00", id="an hour that is none"),
        pytest.param("quiet.open", "Mo-Xx 08:00-20:00", "Mo-Xx", id="a day that is none"),
        pytest.param("quiet.guard", "10s", "guard lies between", id="a guard too short for a call"),
        pytest.param("quiet.guard", "3h", "guard lies between", id="a guard that leaves nothing open"),
        pytest.param("lanes.otp.share", 0.8, "the shares add up", id="shares of more than there is"),
        pytest.param("lanes.upkeep", {"share": 0.0}, "upkeep is ours", id="a lane of ours"),
        pytest.param("lanes", {}, "lanes", id="no lanes"),
        pytest.param("senders.default.console", "", "senders.default.console", id="a sender ID of no letters"),
        pytest.param("format", 2, "format", id="a format of the future"),
    ],
)
def test_a_mistake_is_named_by_its_place(place, value, named):
    assert named in refusal(changed(place, value))


def test_every_mistake_is_named_at_once():
    document = changed("categories.otp.attempts", 0)
    document["quiet"]["guard"] = "never"
    document["lanes"]["otp"]["shre"] = 1

    sentence = refusal(document)

    assert all(place in sentence for place in ("categories.otp.attempts", "quiet.guard", "lanes.otp.shre"))


def test_a_mistake_does_not_show_what_was_written():
    assert "7700900123" not in refusal(changed("senders.default.console", "+447700900123" * 3))
    assert "7700900123" not in refusal(changed("categories.otp.validity", "+447700900123"))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param(
            {"quiet.open": "Mo-Su 08:00-08:06"},
            "categories.service.min_validity: with the guard at both ends it needs 0:07:00, and the hours of courtesy "
            "are never open for longer than 0:06:00",
            id="courtesy hours that are shorter than a category needs",
        ),
        pytest.param(
            {"categories.promotional.min_validity": "4h", "categories.promotional.validity": "24h"},
            "categories.promotional.min_validity: with the guard at both ends it needs 4:02:00, and the hours of short",
            id="a law's hours that are shorter than a category needs",
        ),
        pytest.param(
            {"categories.service.min_validity": "239m", "categories.service.validity": "4h"},
            "categories.service.min_validity: with the guard at both ends it needs 4:01:00, and the hours of short",
            id="a law's hours for service messages",
        ),
    ],
)
def test_a_category_that_contradicts_the_hours_it_keeps_is_refused(changes, sentence):
    document = changed("format", 1)
    document["hours"] = [*document["hours"], {**FOUR_HOURS, "country": "SE"}]
    for place, value in changes.items():
        *way, last = place.split(".")
        table = document
        for name in way:
            table = table[name]
        table[last] = value

    assert sentence.replace("short", "se") in refusal(document)


FOUR_HOURS = {
    "hours": "Mo-Su 10:00-14:00",
    "source": "ours",
    "date": "2026-11-24",
    "confidence": "primary",
    "classes": ["promotional", "service"],
}


def test_a_category_that_just_fits_the_hours_it_keeps_is_not_refused():
    document = changed("categories.service.min_validity", "238m")
    document["hours"] = [*document["hours"], {**FOUR_HOURS, "country": "SE"}]

    assert policies.read(document)


# --- files ------------------------------------------------------------------------------------


def test_a_table_of_the_overlay_is_merged_and_a_value_replaces(tmp_path):
    overlay = tmp_path / "policy.toml"
    overlay.write_text('[categories.otp]\nvalidity = "7m"\n[categories.reminder]\nroutes = ["console"]\n')

    merged, below = policy_file.document(overlay), policy_file.document(None)

    assert merged["categories"]["otp"] == {**below["categories"]["otp"], "validity": "7m"}
    assert {**merged, "categories": 0} == {**below, "categories": 0}


@pytest.mark.parametrize(
    ("content", "named"),
    [
        pytest.param("[categories.otp]\natempts = 3\n", "categories.otp.atempts", id="a typo in a key"),
        pytest.param('[categories.otp]\nroutes = ["twilo"]\n', "twilo", id="an unknown provider"),
        pytest.param("[categories.otp\n", "line 1", id="broken TOML"),
        pytest.param("categories = 5\n", "categories", id="a value in the place of a table"),
        pytest.param(None, "FileNotFoundError", id="no file"),
        pytest.param(b"\xff\xfe", "UnicodeDecodeError", id="another encoding"),
    ],
)
def test_a_mistake_in_a_file_names_file_and_key(tmp_path, content, named):
    overlay = tmp_path / "policy.toml"
    if content is not None:
        overlay.write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(InvalidPolicy) as caught:
        policy_file.document(overlay)

    assert str(overlay) in str(caught.value)
    assert named in str(caught.value)
    assert caught.value.__context__ is None


OVERLAY = """
[quiet]
guard = "60s"                        # 3

[categories.otp]
validty = "5m"                       # 6: a typo
"lane" = "otp"                       # 7
[categories.service]
routes = [
  "console",
]
attempts = 99                        # 12: too many

quick.otp.share = 0.2                # 14: of another table, in fact
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        pytest.param("", "", ['line 6: categories.otp.validty: you probably mean "validity"'], id="a typo in a key"),
        pytest.param("", "", ["line 12: categories.service.attempts: Input should be"], id="a value out of range"),
        pytest.param(
            "", "", ["line 14: categories.service.quick: there is no such key; known here are lane,"], id="lost"
        ),
        pytest.param("[quiet]", "[quite]", ['line 2: quite: you probably mean "quiet"'], id="a typo in a table's name"),
        pytest.param('"60s"', '"10s"', ["line 2: quiet: guard lies between"], id="two keys that contradict each other"),
    ],
)
def test_a_mistake_in_a_file_is_named_by_line_and_key_with_what_would_be_right(tmp_path, old, new, told):
    overlay = tmp_path / "policy.toml"
    overlay.write_text(OVERLAY.replace(old, new) if old else OVERLAY, "utf-8")

    with pytest.raises(InvalidPolicy) as caught:
        policy_file.document(overlay)

    assert all(sentence in str(caught.value) for sentence in told), str(caught.value)


def test_mistakes_between_tables_are_named_all_at_once(tmp_path):
    overlay = tmp_path / "policy.toml"
    overlay.write_text(
        '[categories.otp]\nlane = "fast"\nroutes = ["twilo"]\n'
        '[aliases]\nurgent = "nothing"\n[senders.shop]\nacme = "SHOP"\n'
    )

    with pytest.raises(InvalidPolicy) as caught:
        policy_file.document(overlay)

    assert str(caught.value).removeprefix(f"{overlay}: ").split("; ") == [
        "line 2: categories.otp.lane: there is no lane fast, only otp, promotional, service",
        "line 3: categories.otp.routes: there is no provider twilo, only console",
        "line 5: aliases.urgent: there is no category nothing, only emergency, otp, promotional, reminder, service",
        "line 7: senders.shop.acme: there is no provider acme, only console",
    ]


def test_rows_and_tables_are_checked_in_one_go(tmp_path):
    overlay = tmp_path / "policy.toml"
    overlay.write_text('[[hours]]\ncountry = "XX"\n[categories.otp]\nlong = "5m"\n')

    with pytest.raises(InvalidPolicy) as caught:
        policy_file.document(overlay)

    assert "line 2: hours.country: " in str(caught.value)
    assert 'line 4: categories.otp.long: you probably mean "longest"' in str(caught.value)


def test_the_packages_document_cannot_be_changed_by_a_caller():
    policy_file.document(None)["categories"].clear()

    assert policy_file.document(None)["categories"]


# --- what it answers --------------------------------------------------------------------------


def test_a_category_that_was_removed_is_treated_as_the_strictest():
    strict = policies.read(policy_file.document(None)).category("gone")

    assert (strict.lane, strict.quiet, strict.doubt, strict.resend) == (
        "promotional",
        QuietKind.LEGAL,
        Doubt.WAIT,
        False,
    )


def test_the_strictest_of_a_policy_without_promotional_is_still_quiet():
    document = policy_file.document(None)
    for name in ("promotional", "reminder", "service"):
        del document["categories"][name]
    document["aliases"] = {"security": "otp"}

    strict = policies.read(document).category("gone")

    assert (strict.quiet, strict.doubt) == (QuietKind.LEGAL, Doubt.WAIT)


def test_without_promotional_the_first_that_is_quiet_at_all_is_the_strictest():
    document = changed("categories.promotional", None)
    document["aliases"] = {}

    strict = policies.read(document).category("gone")

    assert (strict.lane, strict.validity) == ("service", timedelta(hours=4))


def test_the_strictest_of_a_policy_without_a_table_keeps_its_courtesy_hours_and_sends_nothing_twice(policy):
    strict = policy(quiet="off", doubt="again", resend=True).category("gone")

    assert (strict.quiet, strict.doubt, strict.resend) == (QuietKind.COURTESY, Doubt.WAIT, False)


def test_what_a_document_does_not_say_is_safe(policy):
    made = policy()
    category, provider = made.categories["service"], made.providers["first"]

    assert (made.format, made.version, made.numbers.accept_fiction, made.quiet.min_window) == (1, 0, False, 2 * HOUR)
    assert (made.hours, made.aliases, made.quiet.instead, made.lanes["service"].window) == ((), {}, {}, 2000)
    assert (category.doubt, category.resend, category.smart_encoding) == (Doubt.WAIT, False, False)
    assert (category.max_segments, category.retention, category.cap) == (6, timedelta(days=3), None)
    assert (category.tenants, category.lead, category.spread) == (None, timedelta(0), timedelta(0))
    assert (provider.window, provider.rate, provider.burst) == (3000, None, None)
    assert (provider.deduplicates, provider.reaches_carrier, provider.national) == (False, False, ())


def test_one_lane_one_category_and_one_provider_make_a_policy(policy):
    document = policy(routes=["first"]).model_dump(mode="json")
    del document["providers"]["second"]
    document["senders"] = {}

    assert policies.read(document).first_lane == "service"


def test_a_policy_cannot_be_changed_in_place():
    policy = policies.read(policy_file.document(None))

    with pytest.raises(ValueError, match="frozen"):
        policy.version = 2


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("30s", timedelta(seconds=30), id="seconds"),
        pytest.param("5m", timedelta(minutes=5), id="minutes"),
        pytest.param("4h", timedelta(hours=4), id="hours"),
        pytest.param("3d", timedelta(days=3), id="days"),
        pytest.param("0s", timedelta(0), id="nothing"),
        pytest.param("90s", timedelta(seconds=90), id="a minute and a half"),
    ],
)
def test_a_duration_is_read_and_written(text, value):
    assert duration.parse(text) == duration.parse(value) == value
    assert duration.text(value) == text


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "5 m", "5M", "1h30m", "1.5h", "1000000s", "\u0665m", 5, None])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="a number and a unit"):
        duration.parse(text)


def test_both_files_are_plain_toml():
    assert tomllib.loads(LAB.read_text("utf-8"))


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        pytest.param(["turkish", "spanish"], ["spanish", "turkish"], ("turkish", "spanish"), id="both use both"),
        pytest.param(["turkish"], ["spanish"], (), id="each another"),
        pytest.param(["turkish"], [], (), id="one uses none"),
    ],
)
def test_a_shift_table_counts_if_all_providers_of_a_category_use_it(first, second, both):
    document = changed("categories.otp.routes", ["console", "other"])
    document["providers"] |= {
        "console": {**document["providers"]["console"], "national": first},
        "other": {**document["providers"]["console"], "national": second},
    }

    policy = policies.read(document)

    assert policy.languages["otp"] == both
    assert policy.languages["service"] == tuple(first)


# --- limits of zero -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        pytest.param("categories.otp.backoff", "0s", "0s < backoff <= backoff_cap", id="no backoff"),
        pytest.param("categories.otp.backoff_cap", "0s", "0s < backoff <= backoff_cap", id="a cap below the backoff"),
        pytest.param("categories.otp.retention", "0s", "retention is at least 1m", id="no retention"),
        pytest.param("categories.otp.validity", "0s", "30s <= min_validity <= validity", id="no validity"),
        pytest.param("categories.otp.attempts", 0, "greater than or equal to 1", id="no attempts"),
        pytest.param("categories.otp.cap", 0, "greater than or equal to 1", id="a cap of nothing"),
        pytest.param("categories.otp.max_segments", 0, "greater than or equal to 1", id="no segments"),
        pytest.param("providers.console.shortest", "0s", "1s <= shortest <= longest", id="a shortest validity of none"),
        pytest.param("providers.console.longest", "0s", "1s <= shortest <= longest", id="a longest validity of none"),
        pytest.param("lanes.otp.window", 0, "greater than or equal to 1", id="a lane without a window"),
    ],
)
def test_a_limit_of_zero_is_refused(place, value, says):
    assert says in refusal(changed(place, value))


# --- where bounds lie --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "value", "read_as"),
    [
        pytest.param("categories.otp.min_validity", "30s", 30 * SECOND, id="a code is worth thirty seconds"),
        pytest.param("categories.otp.min_validity", "5m", 5 * MINUTE, id="or as long as its validity"),
        pytest.param("categories.otp.validity", "15m", 15 * MINUTE, id="validity up to the longest"),
        pytest.param("categories.reminder.longest", "32d", timedelta(days=32), id="a month ahead and a day"),
        pytest.param("categories.otp.backoff", "5s", 5 * SECOND, id="a backoff that is its own cap"),
        pytest.param("categories.otp.retention", "1m", MINUTE, id="remembered for a minute"),
        pytest.param("categories.promotional.cap", 1, 1, id="one a day"),
        pytest.param("categories.promotional.cap", 1000, 1000, id="a thousand a day"),
        pytest.param("categories.otp.max_segments", 1, 1, id="one segment"),
        pytest.param("categories.otp.max_segments", 10, 10, id="ten segments"),
        pytest.param("categories.otp.attempts", 10, 10, id="ten attempts"),
        pytest.param("providers.console.shortest", "3d", timedelta(days=3), id="one validity and no other"),
        pytest.param("providers.console.window", 1, 1, id="one at a time"),
        pytest.param("providers.console.window", 100_000, 100_000, id="a hundred thousand at a time"),
        pytest.param("lanes.otp.window", 100_000, 100_000, id="a hundred thousand in a lane"),
        pytest.param("providers.console.rate", 0.5, 0.5, id="one in two seconds"),
        pytest.param("quiet.min_window", "0s", timedelta(0), id="any hours in common are enough"),
        pytest.param("quiet.min_window", "12h", timedelta(hours=12), id="half a day in common"),
        pytest.param("quiet.guard", "30s", 30 * SECOND, id="the least guard"),
        pytest.param("quiet.guard", "2h", timedelta(hours=2), id="the greatest guard"),
        pytest.param("quiet.instead", {"*": "Europe/Paris"}, {"*": "Europe/Paris"}, id="a zone for numbers of nowhere"),
        pytest.param("quiet.instead", {"RU": "Europe/Moscow,Asia/Omsk"}, {"RU": "Europe/Moscow,Asia/Omsk"}, id="two"),
        pytest.param("lanes.otp.share", 0.6, 0.6, id="nine tenths of a window promised in all"),
        pytest.param("lanes.otp.share", 0, 0.0, id="nothing promised"),
        pytest.param("aliases", {"a23456789012345678901234": "otp"}, {"a23456789012345678901234": "otp"}, id="long"),
    ],
)
def test_a_policy_may_say_that(place, value, read_as):
    part = policies.read(changed(place, value))
    for name in place.split("."):
        part = part[name] if isinstance(part, dict) else getattr(part, name)

    assert part == read_as


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        pytest.param("categories.otp.min_validity", "29s", "categories.otp: must hold: 30s <= min", id="29 seconds"),
        pytest.param(
            "categories.otp.min_validity", "6m", "must hold: 30s <= min_validity", id="more than the validity"
        ),
        pytest.param("categories.otp.validity", "16m", "must hold: 30s <= min_validity", id="more than the longest"),
        pytest.param(
            "categories.reminder.longest", "33d", "longest is at most 32d", id="further than a calendar looks"
        ),
        pytest.param("categories.otp.backoff", "6s", "must hold: 0s < backoff", id="a backoff above its cap"),
        pytest.param("categories.otp.retention", "59s", "retention is at least 1m", id="forgotten within the minute"),
        pytest.param("categories.promotional.cap", 0, "greater than or equal to 1", id="none a day"),
        pytest.param("categories.promotional.cap", 1001, "less than or equal to 1000", id="more than a thousand a day"),
        pytest.param("categories.otp.max_segments", 11, "less than or equal to 10", id="eleven segments"),
        pytest.param("categories.otp.max_segments", 0, "greater than or equal to 1", id="no segment"),
        pytest.param("providers.console.shortest", "4d", "must hold: 1s <= shortest", id="no validity at all"),
        pytest.param("providers.console.window", 0, "window is above 0; to stop a provider use", id="a window of zero"),
        pytest.param("providers.console.rate", 0, "rate is above 0; to stop a provider use", id="a rate of zero"),
        pytest.param("providers.console.rate", -1.5, "rate is above 0; to stop a provider use", id="a rate below zero"),
        pytest.param("providers.console.burst", 0.0, "burst is above 0; to stop a provider use", id="a burst of zero"),
        pytest.param("providers.console.rate", False, "rate is above 0; to stop a provider use", id="no rate"),
        pytest.param("providers.console.rate", True, "console.rate: Input should be a valid number", id="some rate"),
        pytest.param(
            "providers.console.rate", "0", "console.rate: Input should be a valid number", id="a rate in quotes"
        ),
        pytest.param(
            "providers.console.rate", [5], "console.rate: Input should be a valid number", id="a list of rates"
        ),
        pytest.param("providers.console.rate", float("nan"), "console.rate: Input should be a finite", id="no number"),
        pytest.param("providers.console.rate", float("inf"), "console.rate: Input should be a finite", id="endless"),
        pytest.param("providers.console.burst", "5", "console.burst: Input should be a valid number", id="quoted"),
        pytest.param(
            "providers.console.burst", float("inf"), "console.burst: Input should be a finite", id="all at once"
        ),
        pytest.param("providers.console.window", "0", "greater than or equal to 1", id="a window of zero in quotes"),
        pytest.param("providers.console.window", 100_001, "less than or equal to 100000", id="a window without end"),
        pytest.param("lanes.otp.window", 100_001, "less than or equal to 100000", id="a lane without end"),
        pytest.param(
            "quiet.min_window", "13h", "min_window lies between 0s and 12h", id="more than half a day in common"
        ),
        pytest.param("quiet.guard", "29s", "guard lies between 30s and 2h", id="too small a guard"),
        pytest.param("quiet.guard", "121m", "guard lies between 30s and 2h", id="too large a guard"),
        pytest.param("quiet.instead", {"XX": "Europe/Paris"}, 'there is no country "XX"', id="a country that is none"),
        pytest.param("quiet.instead", {"RU": "Moscow"}, "instead.RU: write IANA names", id="a zone that is none"),
        pytest.param("lanes.otp.share", 0.61, "shares add up to more than 0.9", id="more than there is to share"),
        pytest.param(
            "lanes.otp.share", 0.91, "share: Input should be less than or equal to 0.9", id="nearly all of it"
        ),
        pytest.param("lanes.otp.share", -0.1, "share: Input should be greater than or equal to 0", id="less than none"),
        pytest.param("lanes.otp.share", None, "lanes.otp.share: it is missing", id="a lane that says no share"),
        pytest.param("lanes", {}, "lanes: Dictionary should have at least 1 item", id="no lane"),
        pytest.param("categories", {}, "categories: Dictionary should have at least 1 item", id="no category"),
        pytest.param("categories", None, "categories: it is missing", id="not a word on categories"),
        pytest.param("providers", {}, "providers: Dictionary should have at least 1 item", id="no provider"),
        pytest.param("providers", None, "providers: it is missing", id="not a word on providers"),
        pytest.param("aliases", {"Otp": "otp"}, "aliases.Otp.[key]: String should match", id="a name with a capital"),
        pytest.param(
            "aliases", {"1st": "otp"}, "aliases.1st.[key]: String should match", id="a name with a digit first"
        ),
        pytest.param("aliases", {"a" * 25: "otp"}, "String should match pattern", id="a name of 25 letters"),
    ],
)
def test_a_policy_may_not_say_that(place, value, says):
    assert says in refusal(changed(place, value))


@pytest.mark.parametrize(
    ("given", "burst"),
    [
        pytest.param({}, None, id="no rate, no burst"),
        pytest.param({"rate": 5}, 1.0, id="at least a segment"),
        pytest.param({"rate": 50}, 5.0, id="a tenth of a second's rate"),
        pytest.param({"rate": 50, "burst": 20}, 20.0, id="as it says"),
    ],
)
def test_a_provider_takes_at_once(given, burst):
    console = policy_file.document(None)["providers"]["console"]

    assert policies.read(changed("providers.console", console | given)).providers["console"].burst == burst


@pytest.mark.parametrize(
    ("place", "known"),
    [
        pytest.param("x", "format, version, numbers, quiet, hours, lanes, categories,", id="of the document"),
        pytest.param("numbers.x", "accept_fiction", id="of numbers"),
        pytest.param("quiet.x", "open, guard, min_window, instead", id="of the quiet hours"),
        pytest.param("lanes.otp.x", "share, window", id="of a lane"),
        pytest.param("categories.otp.x", "lane, quiet, zones, validity, longest,", id="of a category"),
        pytest.param("providers.console.x", "kind, window, rate, burst, shortest, longest,", id="of a provider"),
    ],
)
def test_a_key_that_nobody_knows_is_answered_with_those_of_its_table(place, known):
    assert refusal(changed(place, 1)).startswith(f"{place}: there is no such key; known here are {known}")


def test_a_key_that_a_row_does_not_know_is_answered_with_those_of_a_row():
    document = changed("hours", [{**FOUR_HOURS, "country": "*", "hour": "24/7"}])

    assert refusal(document) == (
        'hours.0.hour: you probably mean "hours"; '
        "known here are country, subdivision, hours, source, date, confidence, classes, cap"
    )


@pytest.mark.parametrize("document", [pytest.param("493817", id="a word"), pytest.param([493817], id="a list")])
def test_what_is_no_document_is_refused_as_a_whole(document):
    sentence = refusal(document)

    assert sentence.startswith("policy: Input should be a valid dictionary")
    assert "493817" not in sentence


def test_not_even_the_models_own_error_shows_what_was_written():
    with pytest.raises(ValidationError) as caught:
        policies.Policy.model_validate(changed("lanes.otp.share", "493817"))

    assert "lanes.otp.share" in str(caught.value)
    assert "493817" not in str(caught.value)


def test_every_mistake_is_named_and_none_shows_what_was_written():
    document = changed("categories.otp.min_validity", "29s")
    document["quiet"]["guard"] = "1s"
    document["nonsense"] = {"secret": "493817"}
    del document["providers"]["console"]["shortest"]

    sentences = refusal(document).split("; ")

    assert any(sentence.startswith("categories.otp: ") for sentence in sentences)
    assert any(sentence.startswith("quiet: ") for sentence in sentences)
    assert "providers.console.shortest: it is missing" in sentences
    assert any(sentence.startswith("nonsense: there is no such key") for sentence in sentences)
    assert "493817" not in refusal(document)


def test_which_categories_may_go_another_way():
    document = policy_file.document(LAB)
    document["categories"]["otp"]["routes"] = ["twilio", "console"]
    document["categories"]["bulk"]["routes"] = ["console"]
    policy = policies.read(document)

    assert policy.with_another_way("twilio") == policy.with_another_way("console") == ("otp",)


def test_the_longest_retention_of_all_categories_counts():
    document = policy_file.document(LAB)
    document["categories"]["otp"]["retention"] = "1d"
    document["categories"]["alert"]["retention"] = "7d"

    assert policies.read(document).retention == timedelta(days=7)


def test_what_the_policy_does_not_know_is_treated_strictly():
    policy = policies.read(policy_file.document(LAB))

    assert policy.first_lane == "otp"
    assert policy.sender_id("nobody", "twilio") is None
    unknown = policy.category("gone")
    assert (unknown.lane, unknown.quiet, unknown.doubt, unknown.resend) == (
        "promotional", QuietKind.LEGAL, Doubt.WAIT, False,
    )  # fmt: skip
    with pytest.raises(ValidationError):
        policy.numbers.accept_fiction = True
