"""What contradicts what in a policy, each named by the key to look at."""

from __future__ import annotations

import copy

import pytest

from smsqueue import policy_file
from smsqueue.core import consistency
from smsqueue.core import policy as policies
from smsqueue.errors import InvalidPolicy

ROW = {"hours": "Mo-Su 10:00-20:00", "source": "ours", "date": "2026-11-24", "confidence": "primary"}
HOLIDAYS = {**ROW, "hours": "Mo-Sa 10:00-20:00; PH off"}


def document(*rows: dict, quiet: dict[str, str] | None = None, hours: str = "Mo-Su 08:00-21:00") -> dict:
    """The package's document with these rows alone, other kinds of quiet hours, and other courtesy hours."""
    found = copy.deepcopy(policy_file.document(None))
    found["hours"] = list(rows)
    found["quiet"]["open"] = hours
    for name, kind in (quiet or {}).items():
        found["categories"][name]["quiet"] = kind
        if kind == "off":
            found["categories"][name] |= {"spread": "0s", "late_cutoff": "0s", "on_conflict": "expire"}
    return found


def refusal(found: dict) -> str:
    with pytest.raises(InvalidPolicy) as caught:
        policies.read(found)
    return str(caught.value)


DEFAULT = {**ROW, "country": "*"}
NOBODY = 'hours: a row of promotional hours for country "*" is missing: somebody is anywhere'


@pytest.mark.parametrize(
    ("rows", "quiet", "told"),
    [
        pytest.param([DEFAULT], {}, None, id="everywhere has hours"),
        pytest.param([{**ROW, "country": "FR"}], {}, NOBODY, id="France alone has hours"),
        pytest.param([{**DEFAULT, "classes": ["service"]}], {}, NOBODY, id="everywhere has hours, but for service"),
        pytest.param([], {}, NOBODY, id="nowhere has hours"),
        pytest.param([], {"promotional": "courtesy"}, None, id="no category asks for them"),
        pytest.param(
            [DEFAULT, {**ROW, "country": "FR"}, {**ROW, "country": "DE"}, {**ROW, "country": "FR"}, DEFAULT], {},
            "hours: more than one row is about *, FR: leave one", id="two places twice",
        ),
    ],
)  # fmt: skip
def test_everybody_is_in_one_row(rows, quiet, told):
    found = document(*rows, quiet=quiet)

    assert told is None or refusal(found) == told
    assert told is not None or policies.read(found)


PH = "hours: {} name public holidays (PH), and the package that knows them is missing: pip install 'smsqueue[holidays]', or write hours without PH"  # noqa: E501 - a sentence


@pytest.mark.parametrize(
    ("rows", "quiet", "hours", "named"),
    [
        pytest.param([DEFAULT], {}, "24/7", None, id="nobody names holidays"),
        pytest.param([DEFAULT, {**HOLIDAYS, "country": "FR"}], {}, "24/7", "fr", id="a row for promotion does"),
        pytest.param(
            [{**HOLIDAYS, "country": "*"}, {**HOLIDAYS, "country": "FR"}], {}, "24/7", "default, fr", id="two rows do"
        ),
        pytest.param(
            [DEFAULT, {**HOLIDAYS, "country": "FR", "classes": ["service"]}],
            {"service": "off", "reminder": "off"}, "24/7", None,
            id="a row for service does, and no category asks for it",
        ),
        pytest.param(
            [DEFAULT, {**HOLIDAYS, "country": "FR", "classes": ["service"]}], {}, "24/7", "fr",
            id="a row for service does",
        ),
        pytest.param(
            [DEFAULT, {**HOLIDAYS, "country": "FR"}], {"promotional": "courtesy"}, "24/7", None,
            id="a row for promotion does, and no category asks for it",
        ),
        pytest.param(
            [DEFAULT, {**HOLIDAYS, "country": "FR"}], {}, "Mo-Su 08:00-21:00; PH off", "courtesy, fr",
            id="the courtesy hours do, before all",
        ),
        pytest.param(
            [DEFAULT], {"service": "off", "reminder": "off"}, "Mo-Su 08:00-21:00; PH off", None,
            id="the courtesy hours do, and no category asks for them",
        ),
    ],
)  # fmt: skip
def test_hours_that_name_holidays_need_the_package_that_knows_them(rows, quiet, hours, named):
    policy = policies.read(document(*rows, quiet=quiet, hours=hours))

    assert list(consistency.holidays_unknown(policy)) == ([PH.format(named)] if named else [])


def test_with_the_package_nobody_minds():
    assert list(consistency.mistakes(policies.read(policy_file.document(None)))) == []
