"""Area codes: each of the United States' has a state, and it is the one that others name."""

from __future__ import annotations

import re

import phonenumbers
import pytest

from smsqueue.core import area_codes


def test_every_area_code_of_the_united_states_has_a_state():
    metadata = phonenumbers.PhoneMetadata.metadata_for_region("US")
    patterns = [re.compile(kind.national_number_pattern) for kind in (metadata.fixed_line, metadata.mobile)]
    valid = {
        f"{area}"
        for area in range(200, 1000)
        for rest in ("2345678", "9345678", "4321234")
        if any(pattern.fullmatch(f"{area}{rest}") for pattern in patterns)
    }

    assert valid == set(area_codes.STATE_OF)


@pytest.mark.parametrize(
    ("number", "state"),
    [
        pytest.param("+13055550123", "FL", id="Miami"),
        pytest.param("+14055550123", "OK", id="Oklahoma City"),
        pytest.param("+12025550123", "DC", id="Washington"),
        pytest.param("+18005550123", "", id="freephone"),
        pytest.param("+14165550123", "", id="Toronto"),
        pytest.param("+447700900123", "", id="another country"),
        pytest.param("+73055550123", "", id="another country, with Miami's digits behind its code"),
    ],
)
def test_the_state_of_a_number(number, state):
    assert area_codes.state_of(number) == state


def test_states_agree_with_the_geocoder_of_the_package():
    from phonenumbers.geodata import GEOCODE_DATA  # noqa: PLC0415 - large, and only needed here

    told: dict[str, list[str]] = {}
    for key, names in GEOCODE_DATA.items():
        if key.startswith("1") and (match := re.search(r", ([A-Z]{2})$", names.get("en", ""))):
            told.setdefault(key[1:4], []).append(match[1])

    for area, state in area_codes.STATE_OF.items():
        assert area not in told or told[area].count(state) > len(told[area]) / 2, area
