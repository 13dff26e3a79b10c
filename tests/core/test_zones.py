"""Zones: everywhere the recipient may be, by the package's database, to the second."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zoneinfo
from datetime import UTC, datetime, timedelta
from importlib import resources
from itertools import pairwise

import phonenumbers
import pytest
import tzdata
from hypothesis import given, settings
from hypothesis import strategies as st

from smsqueue.core import zones
from smsqueue.errors import InvalidMessage

properties = settings(derandomize=settings.get_current_profile_name() in {"default", "ci"}, deadline=None)
"""The same examples on every commit; `--hypothesis-profile` with another profile may try more of them, at random."""

DAY = 86_400


def epoch(*fields: int) -> int:
    return int(datetime(*fields, tzinfo=UTC).timestamp())


def offset(name: str, at: int) -> int:
    return datetime.fromtimestamp(at, UTC).astimezone(zoneinfo.ZoneInfo(name)).utcoffset() // timedelta(seconds=1)


# --- where the recipient may be ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        pytest.param("FR", ("Europe/Paris",), id="a country with one zone"),
        pytest.param("ES", ("Africa/Ceuta", "Atlantic/Canary", "Europe/Madrid"), id="all zones of a country"),
        pytest.param("CN", ("Asia/Shanghai",), id="not by Xinjiang's unofficial clocks"),
        pytest.param("XK", ("Europe/Belgrade",), id="Kosovo, which the database has no row for"),
        pytest.param("AC", ("Atlantic/St_Helena",), id="Ascension, likewise"),
        pytest.param("001", (), id="no country: nobody knows"),
        pytest.param("", (), id="no region: nobody knows"),
        pytest.param("ZZ", (), id="a region that is none: nobody knows"),
    ],
)
def test_the_zones_of_a_country(region, expected):
    assert set(zones.of_country(region)) == set(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Europe/Paris", ("Europe/Paris",), id="one"),
        pytest.param("Asia/Tokyo,Asia/Seoul", ("Asia/Tokyo", "Asia/Seoul"), id="two"),
        pytest.param("Mars/Olympus", (), id="a zone of a newer database: nobody knows here"),
        pytest.param("Europe/Paris,Mars/Olympus", (), id="one of two unknown: nobody knows here"),
    ],
)
def test_zones_by_name(text, expected):
    assert zones.named(text) == expected


def test_a_large_country_has_all_its_zones():
    america, russia = (set(zones.of_country(region)) for region in ("US", "RU"))

    assert len(america) == 29
    assert {"Pacific/Honolulu", "America/Adak", "America/New_York"} <= america
    assert {"Europe/Kaliningrad", "Asia/Kamchatka"} <= russia
    assert "Europe/Simferopol" not in russia
    assert "America/Danmarkshavn" not in zones.of_country("GL")
    assert zones.of_country("UA") == ("Europe/Kyiv",)


def test_every_country_of_the_numbering_plans_has_zones_that_exist():
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        names = zones.of_country(region)
        assert names, region
        for name in names:
            zones.check(name)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Europe/London", id="a zone"),
        pytest.param("UTC", id="universal time"),
        pytest.param("Asia/Calcutta", id="an old name"),
        pytest.param("Europe/London,Europe/Paris", id="two zones"),
        pytest.param("America/Argentina/Buenos_Aires,America/Argentina/Catamarca,Egypt", id="64 characters"),
    ],
)
def test_names_of_zones_are_accepted(text):
    zones.check(text)

    assert zones.named(text) == tuple(text.split(","))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(None, id="nothing"),
        pytest.param(b"Europe/London", id="bytes"),
        pytest.param("", id="an empty text"),
        pytest.param(",", id="only a comma"),
        pytest.param("Europe/London,", id="a comma too many"),
        pytest.param("Europe/London, Europe/Paris", id="a space after the comma"),
        pytest.param("europe/london", id="small letters"),
        pytest.param("Europe", id="a continent"),
        pytest.param("Mars/Olympus", id="a planet"),
        pytest.param("London", id="a town"),
        pytest.param("CEST", id="an abbreviation that is no zone"),
        pytest.param("+02:00", id="an offset"),
        pytest.param("Factory", id="a machine that nobody has set up"),
        pytest.param("Etc/Unknown", id="what the numbering plans call unknown"),
        pytest.param("../../../etc/passwd", id="a path"),
        pytest.param("Europe/London\x00", id="a NUL"),
        pytest.param("Europe/L\u043endon", id="a Cyrillic letter"),
        pytest.param("zone.tab", id="another file of the package"),
        pytest.param("America/Argentina/Buenos_Aires,America/Argentina/Catamarca,Israel", id="65 characters"),
        pytest.param("Europe/London," * 1_000_000, id="a million zones"),
    ],
)
def test_what_is_no_zone_is_refused(text):
    with pytest.raises(InvalidMessage) as caught:
        zones.check(text)

    assert (caught.value.field, caught.value.rule) == ("timezone", "unknown_zone")


# --- one database -----------------------------------------------------------------------------


def test_the_package_is_the_process_database():
    assert zoneinfo.TZPATH == ()
    assert zones.IANA_VERSION == tzdata.IANA_VERSION


def test_a_zone_built_from_the_system_before_does_not_count(tmp_path):
    (tmp_path / "Europe").mkdir()
    utc = resources.files(tzdata).joinpath("zoneinfo/UTC").read_bytes()
    (tmp_path / "Europe/Paris").write_bytes(utc)
    program = (
        "import zoneinfo; from datetime import datetime\n"
        "built = zoneinfo.ZoneInfo('Europe/Paris')\n"
        "assert not built.utcoffset(datetime(2026, 7, 1)), 'the fake is not in force'\n"
        "from smsqueue.core import zones\n"
        "print(zones.stretches('Europe/Paris', 1782864000, 1782864001)[0][2])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONTZPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.stderr) == ("7200\n", "")


def test_the_database_is_new_enough_to_know_vancouver():
    """Since November 2026 it keeps its summer time: databases older than 2026 send in its night."""
    assert zones.stretches("America/Vancouver", epoch(2026, 12, 1), epoch(2026, 12, 2))[0][2] == -7 * 3600


# --- stretches --------------------------------------------------------------------------------


def transitions(name: str) -> list[int]:
    """Read a compiled zone by the book (RFC 8536): when its offset changes, as far as the file lists it."""
    data = resources.files(tzdata).joinpath("zoneinfo", *name.split("/")).read_bytes()
    counts = struct.unpack(">6l", data[20:44])
    isut, isstd, leap, times, types, chars = counts
    second = 44 + times * 5 + types * 6 + chars + leap * 8 + isstd + isut  # skip the 32-bit part
    isut, isstd, leap, times, types, chars = struct.unpack(">6l", data[second + 20 : second + 44])
    at = second + 44
    moments = struct.unpack(f">{times}q", data[at : at + 8 * times])
    kinds = data[at + 8 * times : at + 9 * times]
    offsets = [struct.unpack(">l", data[at + 9 * times + 6 * i :][:4])[0] for i in range(types)]
    found, before = [], offsets[0]
    for moment, kind in zip(moments, kinds, strict=True):
        if offsets[kind] != before:
            found.append(moment)
        before = offsets[kind]
    return found


def test_no_yearly_rule_changes_twice_between_two_samples():
    """What the samples are safe by. If this fails after an update of tzdata, they have to come closer.

    A rule repeats itself every year but for the day of the week, so that two years show it.
    """
    closest = 366 * DAY
    for name in sorted(zoneinfo.available_timezones() - {"Factory"}):
        listed = transitions(name)
        start = max(epoch(2026, 1, 1), listed[-1] if listed else 0)
        moments, before = [], offset(name, start)
        for at in range(start, start + 2 * 366 * DAY, DAY):
            if (now := offset(name, at)) != before:
                moments.append(at)
            before = now
        closest = min([closest, *(later - earlier for earlier, later in pairwise(moments))])

    assert closest > 2 * zones._STEP


@pytest.mark.parametrize("year", [1993, 2011, 2024])
def test_every_change_in_the_world_is_found_to_the_second(year):
    start, end = epoch(year, 1, 1), epoch(year + 1, 1, 1)
    listed = 0
    for name in sorted(zoneinfo.available_timezones() - {"Factory"}):
        known = transitions(name)
        if not known or known[-1] < end:
            continue  # the rest is a rule at the end of the file, which the property below looks at
        listed += 1
        cut = zones.stretches(name, start, end)
        changes = [later[0] for earlier, later in pairwise(cut) if earlier[2] != later[2]]
        assert changes == [at for at in known if start < at < end], name
    assert listed > 3


@pytest.mark.parametrize(
    ("name", "begun", "ended"),
    [
        pytest.param(
            "America/Recife", epoch(2000, 10, 8, 3), epoch(2000, 10, 15, 2), id="Recife, which thought better"
        ),
        pytest.param("America/Noronha", epoch(2000, 10, 8, 2), epoch(2000, 10, 15, 1), id="Noronha likewise"),
        pytest.param("Asia/Gaza", epoch(2040, 10, 20), epoch(2040, 10, 26, 23), id="Gaza between Ramadan and winter"),
        pytest.param("Asia/Hebron", epoch(2054, 3, 28), epoch(2054, 4, 3, 23), id="Hebron before Ramadan"),
    ],
)
def test_a_time_of_a_week_is_not_overlooked(name, begun, ended):
    found = zones.stretches(name, begun - 9 * DAY, ended + 9 * DAY)

    assert [stretch[:2] for stretch in found] == [(begun - 9 * DAY, begun), (begun, ended), (ended, ended + 9 * DAY)]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        pytest.param("Europe/Paris", epoch(2026, 10, 25, 1), id="winter begins in Paris"),
        pytest.param("Atlantic/Azores", epoch(2070, 3, 30, 1), id="summer begins in the Azores, by the clock of UTC"),
        pytest.param("Asia/Gaza", epoch(2083, 3, 27), id="daylight saving time begins in Gaza"),
    ],
)
def test_a_change_belongs_to_what_it_begins(name, change):
    before, after = zones.stretches(name, change - DAY, change + DAY)

    assert (before[:2], after[:2]) == ((change - DAY, change), (change, change + DAY))
    assert zones.stretches(name, change - DAY, change) == [before]
    assert zones.stretches(name, change, change + DAY) == [after]


NAMES = st.sampled_from(
    [
        "UTC", "Europe/Paris", "America/New_York", "America/St_Johns", "Australia/Lord_Howe", "America/Santiago",
        "Africa/Cairo", "Africa/Casablanca", "Asia/Beirut", "America/Havana", "Antarctica/Troll", "Pacific/Chatham",
        "Pacific/Apia", "Pacific/Kwajalein", "Atlantic/Azores", "America/Vancouver", "America/Asuncion",
    ]
)  # fmt: skip


@properties
@given(NAMES, st.integers(epoch(1990, 1, 1), epoch(2030, 1, 1)), st.integers(1, 800 * DAY), st.data())
def test_stretches_are_the_wall_clock(name, start, length, data):
    found = zones.stretches(name, start, start + length)

    assert (found[0][0], found[-1][1]) == (start, start + length)
    for earlier, later in pairwise(found):
        assert earlier[1] == later[0]
    assert {type(number) for stretch in found for number in stretch} == {int}
    for begun, ended, seconds in found:
        inside = data.draw(st.integers(begun, ended - 1))
        assert {offset(name, at) for at in (begun, inside, ended - 1)} == {seconds}


# --- one zone of each behaviour ---------------------------------------------------------------


def test_america_behaves_in_nine_ways_at_most():
    america = zones.of_country("US")
    start = epoch(2026, 11, 24)

    assert len(zones.distinct(america, start, start + 8 * DAY)) <= 9


def test_zones_that_part_are_both_kept_from_then_on():
    west = ("America/Los_Angeles", "America/Vancouver")

    assert len(zones.distinct(west, epoch(2024, 7, 1), epoch(2024, 7, 9))) == 1
    assert len(zones.distinct(west, epoch(2026, 11, 24), epoch(2026, 12, 2))) == 2
    assert len(zones.distinct(west, epoch(2024, 7, 1), epoch(2026, 12, 2))) == 2


def test_what_parts_after_the_end_does_not_count():
    west, year = ("America/Los_Angeles", "America/Vancouver"), epoch(2026, 11, 1) // zones.YEAR * zones.YEAR

    assert zones.distinct(west, year - DAY, year) == west[:1]


def test_two_names_of_one_zone_are_the_same():
    assert zones.same("Europe/London") == zones.same("Europe/Guernsey")
    assert zones.same("Europe/London") != zones.same("Europe/Lisbon")


@properties
@given(
    st.sampled_from(["US", "RU", "BR", "AU", "CA", "MX", "KZ", "GL", "AQ"]),
    st.integers(epoch(1990, 1, 1), epoch(2032, 1, 1)),
    st.integers(1, 400 * DAY),
    st.data(),
)
def test_who_is_left_out_has_the_offset_of_one_who_is_kept(region, start, length, data):
    names = zones.of_country(region)
    kept = zones.distinct(names, start, start + length)
    at = data.draw(st.integers(start, start + length - 1))

    assert {offset(name, at) for name in kept} == {offset(name, at) for name in names}
