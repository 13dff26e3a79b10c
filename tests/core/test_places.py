"""Places: from a number to every clock that its owner may live by."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from phonenumbers.tzdata import TIMEZONE_DATA

from smsqueue.core import msisdn, places, zones
from smsqueue.core.places import Origin, Strategy, ladder, note
from tests.core.by_hand import TABLE

COUNTRY, PREFIX, STRICT = Strategy


def clocks(names) -> set[tuple[timedelta | None, ...]]:
    """Tell zones by what their clocks show in the two years around: one row for each behaviour."""
    days = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=5 * n) for n in range(146)]
    return {tuple(day.astimezone(ZoneInfo(name)).utcoffset() for day in days) for name in names}


def of(number: str, strategy: Strategy = COUNTRY) -> tuple[tuple[str, ...], Origin]:
    to, region = msisdn.parse(number, accept_fiction=True)
    return ladder(region, note(to.reveal(), region, strategy), strategy, {})[0]


# --- found by hand ----------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "expected"), [pytest.param(n, e, id=f"{n[:7]} {e[0]}") for n, e, _ in TABLE])
def test_a_number_has_the_clocks_that_were_found_by_hand(number, expected):
    names, _ = of(number)

    assert clocks(names) == clocks(expected)


def test_a_hundred_numbers_of_sixty_countries_were_looked_up():
    assert len(TABLE) >= 100
    assert len({msisdn.parse(number, accept_fiction=True).region for number, _, _ in TABLE}) >= 60


# --- strategies -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "strategy", "count", "origin"),
    [
        pytest.param("+12125550123", COUNTRY, 1, Origin.PREFIX, id="an area code decides alone"),
        pytest.param("+12125550123", PREFIX, 1, Origin.PREFIX, id="by prefix likewise"),
        pytest.param("+12125550123", STRICT, 29, Origin.COUNTRY, id="strict: all of the United States"),
        pytest.param("+18005550123", COUNTRY, 52, Origin.PREFIX, id="freephone: the United States and Canada"),
        pytest.param("+18005550123", STRICT, 52, Origin.COUNTRY, id="strict freephone: they too"),
        pytest.param("+18765550123", COUNTRY, 1, Origin.COUNTRY, id="a mobile of Jamaica is in Jamaica"),
        pytest.param("+61491570156", COUNTRY, 12, Origin.COUNTRY, id="Australia: anywhere in it"),
        pytest.param("+61491570156", PREFIX, 1, Origin.PREFIX, id="Australia by prefix: most of it"),
        pytest.param("+34612345678", STRICT, 3, Origin.COUNTRY, id="Spain: the mainland, Ceuta and the Canaries"),
        pytest.param("+447700900123", COUNTRY, 1, Origin.COUNTRY, id="Jersey's clock is London's"),
        pytest.param("+213551234567", PREFIX, 1, Origin.COUNTRY, id="Algeria is not in Paris"),
    ],
)
def test_which_zones_count(number, strategy, count, origin):
    names, found = of(number, strategy)

    assert (len(names), found) == (count, origin)


@pytest.mark.parametrize("strategy", Strategy)
def test_a_stricter_strategy_never_has_fewer_clocks(strategy):
    for number, _, _ in TABLE:
        assert clocks(of(number, strategy)[0]) <= clocks(of(number, STRICT)[0]), number[:5]


@pytest.mark.parametrize("kind", ["MOBILE", "FIXED_LINE", "TOLL_FREE"])
def test_a_number_of_any_country_may_be_wherever_its_country_is(kind):
    """The yardstick is the country's own list; only where area codes count is a part of it enough."""
    for region in sorted(phonenumbers.SUPPORTED_REGIONS - set(places._areas())):
        example = phonenumbers.example_number_for_type(region, getattr(phonenumbers.PhoneNumberType, kind))
        if example is not None:
            e164 = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
            home = msisdn.parse(e164).region
            names = ladder(home, note(e164, home, COUNTRY), COUNTRY, {})[0][0]
            assert set(zones.of_country(home)) <= set(names), region


# --- the note in the envelope -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        pytest.param("+12125550123", "~A/New_York", id="one zone of many"),
        pytest.param("+19075550123", "~A/Adak,A/Anchorage,A/Juneau", id="three"),
        pytest.param("+18005550123", "~US,CA", id="countries"),
        pytest.param("+447700900123", "", id="nothing new"),
        pytest.param("+33639980001", "", id="one clock"),
        pytest.param("+79161234567", "", id="less than the country"),
        pytest.param("+80012345678", "", id="no country"),
    ],
)
def test_what_the_number_adds_is_noted(number, expected):
    to, region = msisdn.parse(number, accept_fiction=True)

    assert note(to.reveal(), region, COUNTRY) == expected


@pytest.mark.parametrize(
    ("number", "region", "strategy", "expected"),
    [
        pytest.param("+40721234567", "RO", PREFIX, "", id="a prefix that tells nothing"),
        pytest.param("+61255568234", "AU", PREFIX, "~Australia/Lord_Howe", id="a prefix of eight digits"),
        pytest.param("+61730600567", "AU", PREFIX, "~Australia/Brisbane", id="a prefix of three"),
        pytest.param("+623323456789", "ID", PREFIX, "~Asia/Jakarta", id="a prefix of four"),
        pytest.param("+526223456789", "MX", COUNTRY, "~A/Mazatlan", id="an area"),
        pytest.param("+299234567", "GL", PREFIX, "~A/Nuuk", id="Godthab by its name of today"),
        pytest.param("+6919202345", "FM", PREFIX, "~Pacific/Pohnpei", id="Ponape by its name of today"),
        pytest.param("+9761362234567", "MN", PREFIX, "~Asia/Ulaanbaatar", id="two names of one zone, once"),
        pytest.param("+61891010567", "AU", PREFIX, "~Australia/Adelaide,Australia/Perth", id="not the Cocos Islands"),
        pytest.param("+78095678901", "RU", PREFIX, "~Europe/Moscow", id="a Russian is not in Kazakhstan"),
        pytest.param(
            "+61851204234", "AU", COUNTRY, "~Indian/Christmas", id="only the table puts it on Christmas Island"
        ),
    ],
)
def test_the_table_is_believed_about_the_countrys_own_zones(number, region, strategy, expected):
    assert note(number, region, strategy) == expected


def test_a_note_fits_into_a_field_and_says_less_than_an_area_code():
    plans = {"1": "US", "52": "MX", "55": "BR"}
    notes = {
        note(f"+{prefix}5550123", region, COUNTRY)
        for code, region in plans.items()
        for prefix in TIMEZONE_DATA
        if prefix.startswith(code)
    }

    assert all(len(text.encode()) <= zones.LONGEST for text in notes)
    assert not any(re.search(r"\d", text) for text in notes)


# --- the ladder -------------------------------------------------------------------------------

RUSSIA = zones.of_country("RU")


@pytest.mark.parametrize(
    ("region", "noted", "strategy", "instead", "expected"),
    [
        pytest.param("FR", "", COUNTRY, {}, [(("Europe/Paris",), Origin.COUNTRY)], id="the country"),
        pytest.param("US-FL", "~A/Chicago", COUNTRY, {}, [(("America/Chicago",), Origin.PREFIX)], id="the prefix"),
        pytest.param(
            "RU", "~Europe/Moscow", COUNTRY, {},
            [(("Europe/Moscow", *(name for name in RUSSIA if name != "Europe/Moscow")), Origin.COUNTRY),
             (("Europe/Moscow",), Origin.PREFIX)],
            id="the country, then the prefix",
        ),
        pytest.param("RU", "", COUNTRY, {"RU": "Asia/Omsk"},
                     [(RUSSIA, Origin.COUNTRY), (("Asia/Omsk",), Origin.POLICY)],
                     id="then the policy"),
        pytest.param("RU", "", COUNTRY, {"*": "Asia/Omsk"}, [(RUSSIA, Origin.COUNTRY)], id="not the policy for nobody"),
        pytest.param("001", "", COUNTRY, {"*": "UTC"}, [(("UTC",), Origin.POLICY)], id="nobody knows but the policy"),
        pytest.param("001", "", COUNTRY, {}, [], id="nobody knows"),
        pytest.param("001", "", COUNTRY, {"FR": "UTC"}, [], id="nobody knows, and not by another country's row"),
        pytest.param("US", "Asia/Tokyo", STRICT, {"US": "UTC"}, [(("Asia/Tokyo",), Origin.GIVEN)], id="the producer's"),
        pytest.param("US", "Mars/Olympus", COUNTRY, {"US": "UTC"}, [], id="the producer's, unknown here"),
        pytest.param("FR", "~Mars/Olympus", COUNTRY, {}, [(("Europe/Paris",), Origin.COUNTRY)], id="a newer table's"),
        pytest.param("JE", "~A/Adak", STRICT, {}, [(("America/Adak", "Europe/Jersey"), Origin.COUNTRY)],
                     id="strict: never the prefix alone"),
    ],
)  # fmt: skip
def test_sets_of_zones_are_tried_in_order(region, noted, strategy, instead, expected):
    assert ladder(region, noted, strategy, instead) == expected


# --- the tables -------------------------------------------------------------------------------


def test_every_name_of_the_table_is_one_of_a_countrys_list():
    """Old names have to be known as such: a new one in the package would count as another country's."""
    listed = {name for region in phonenumbers.SUPPORTED_REGIONS for name in zones.of_country(region)}
    named = {name for names in TIMEZONE_DATA.values() for name in names}

    assert {places._ALIASES.get(name, name) for name in named} <= listed | zones.DROPPED
    for old, new in places._ALIASES.items():
        assert clocks([old]) == clocks([new])


# --- what the package's table does not know -----------------------------------------------------


@pytest.mark.parametrize("area", [614, 621, 625, 626, 627, 628, 629, 635, 636, 639, 648, 649, 652, 656, 659])
def test_an_area_of_chihuahua_may_keep_the_capitals_clock(area):
    assert "A/Chihuahua" in note(f"+52{area}1234567", "MX", COUNTRY)


@pytest.mark.parametrize(
    ("area", "told"),
    [
        ("65", "~A/Cuiaba"),
        ("66", "~A/Cuiaba"),
        ("67", "~A/Campo_Grande"),
        ("68", "~A/Rio_Branco"),
        ("69", "~A/Porto_Velho"),
        ("81", "~A/Recife,A/Noronha"),
        ("92", "~A/Manaus"),
        ("93", "~A/Santarem"),
        ("95", "~A/Boa_Vista"),
        ("97", "~A/Manaus,A/Eirunepe"),
        ("61", "~A/Sao_Paulo"),
    ],
)
def test_an_area_of_brazil_is_its_states(area, told):
    assert note(f"+55{area}912345678", "BR", COUNTRY) == told


@pytest.mark.parametrize(
    ("region", "first", "others"),
    [
        pytest.param("US", "208", "986", id="Idaho"),
        pytest.param("CA", "250", "236 257 672 778", id="British Columbia"),
        pytest.param("US", "270", "364", id="western Kentucky"),
        pytest.param("CA", "306", "474 639", id="Saskatchewan"),
        pytest.param("CA", "418", "367 581", id="eastern Quebec"),
        pytest.param("US", "541", "458", id="Oregon"),
        pytest.param("CA", "709", "879", id="Newfoundland and Labrador"),
        pytest.param("US", "812", "930", id="southern Indiana"),
        pytest.param("US", "850", "448", id="western Florida"),
    ],
)
def test_a_second_code_on_the_same_ground_has_the_same_zones(region, first, others):
    expected = note(f"+1{first}5550123", region, COUNTRY)

    assert expected.count("A/") > 1
    assert {note(f"+1{other}5550123", region, COUNTRY) for other in others.split()} == {expected}
