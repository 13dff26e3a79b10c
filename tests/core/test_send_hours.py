"""The table of send hours: what is shipped is whole, and an operator's mistake is named by file, line and key."""

from __future__ import annotations

import json
import re
import tomllib
from importlib import resources

import pytest
from pydantic import ValidationError

from smsqueue import policy_file, send_hours
from smsqueue.core import policy as policies
from smsqueue.core.rules.hours import rules_for
from smsqueue.core.send_hours import Confidence, Row, Rule, Table, courtesy
from smsqueue.errors import InvalidPolicy

SHIPPED = resources.files("smsqueue").joinpath("data/send_hours.toml").read_text("utf-8")

COUNTRIES = "* US CA GB FR IT DE AT NL IE BE ES IN AE SA TR BR MX ZA NG VN KR SG AU KZ RU"
STATES = "FL OK WA TX CT MD MS AL LA MA NJ RI KY CA IL MI MN UT PA"

ROW = """
[[hours]]
country = "FR"
hours = "Mo-Sa 09:00-20:00; Su,PH off"
source = "our lawyer"
date = "2026-11-24"
confidence = "primary"
"""


def written(tmp_path, text: str):
    path = tmp_path / "policy.toml"
    path.write_text(text, "utf-8")
    return path


def refusal(tmp_path, text: str) -> str:
    path = written(tmp_path, text)
    with pytest.raises(InvalidPolicy) as caught:
        policy_file.document(path)
    assert caught.value.__context__ is None
    assert str(path) in str(caught.value)
    return str(caught.value)


# --- what is shipped --------------------------------------------------------------------------


def test_the_shipped_table_passes_the_check_that_an_operators_rows_pass():
    rows = tomllib.loads(SHIPPED)["hours"]

    assert send_hours.read(rows, SHIPPED) == send_hours.shipped()


def test_the_shipped_table_has_every_place_of_which_hours_are_known():
    places = {(row["country"], row.get("subdivision", "")) for row in send_hours.shipped()}

    assert {country for country, subdivision in places if not subdivision} == set(COUNTRIES.split())
    assert {subdivision for country, subdivision in places if country == "US" and subdivision} == set(STATES.split())
    assert {country for country, subdivision in places if subdivision} == {"US"}


@pytest.mark.parametrize(("place", "cap"), [("US-FL", 3), ("US-OK", 3), ("VN", 3), ("US", None)])
def test_caps_are_told_where_a_law_has_one(place, cap):
    policy = policies.read(policy_file.document(None))

    assert rules_for(place, "promotional", policy)[-1].cap == cap


def test_only_india_has_hours_for_service_messages():
    assert [row["country"] for row in send_hours.shipped() if "service" in row.get("classes", ())] == ["IN"]


# --- an operator's rows -----------------------------------------------------------------------


def test_an_operators_row_replaces_the_shipped_one_of_its_place_and_leaves_the_others(tmp_path):
    document = policy_file.document(written(tmp_path, ROW))
    policy = policies.read(document)

    assert [rule.source for rule in rules_for("FR", "promotional", policy)] == ["our lawyer"]
    assert len(document["hours"]) == len(send_hours.shipped())


def test_an_operators_row_for_a_place_without_one_is_added(tmp_path):
    policy = policies.read(policy_file.document(written(tmp_path, ROW.replace('"FR"', '"SE"'))))

    assert [rule.id for rule in rules_for("SE", "promotional", policy)] == ["se"]
    assert [rule.id for rule in rules_for("NO", "promotional", policy)] == ["default"]


def test_a_state_may_be_overridden_without_its_country(tmp_path):
    row = ROW.replace('"FR"', '"US"\nsubdivision = "FL"')
    policy = policies.read(policy_file.document(written(tmp_path, row)))

    assert [(rule.id, rule.source == "our lawyer") for rule in rules_for("US-FL", "promotional", policy)] == [
        ("us", False),
        ("us-fl", True),
    ]


def test_the_published_document_carries_the_table_and_survives_being_stored(tmp_path):
    document = policy_file.document(written(tmp_path, ROW.replace('"2026-11-24"', "2026-11-24")))
    policy = policies.read(json.loads(json.dumps(document)))

    assert rules_for("FR", "promotional", policy)[0].date == "2026-11-24"
    assert policies.read(policy.model_dump(mode="json")) == policy


@pytest.mark.parametrize(
    ("old", "new", "line", "sentence"),
    [
        pytest.param(
            'country = "FR"', 'country = "FX1"', 4,
            '.country: there is no country "FX1": write two capital letters of ISO 3166',
            id="an unknown country",
        ),
        pytest.param('country = "FR"', 'country = "fr"', 4, 'ISO 3166, like "FR"', id="a country in small letters"),
        pytest.param('country = "FR"', 'country = "UK"', 4, 'ISO 3166, like "GB"', id="a country by its other name"),
        pytest.param(
            'country = "FR"', 'country = "US"\nsubdivision = "XX"', 5,
            ".subdivision: US has no XX: write one of AK, AL,",
            id="an unknown subdivision",
        ),
        pytest.param(
            'country = "FR"', 'country = "US"\nsubdivision = "Florida"', 5, ".subdivision:", id="a state in full"
        ),
        pytest.param(
            'country = "FR"', 'country = "*"\nsubdivision = "FL"', 5,
            ".subdivision: a subdivision needs a country",
            id="a subdivision of everywhere",
        ),
        pytest.param(
            "confidence =", "confidense =", 8, '.confidense: you probably mean "confidence"', id="a typo in a key"
        ),
        pytest.param("source =", "hour =", 6, '.hour: you probably mean "hours"', id="another typo"),
        pytest.param("source =", "zeal =", 6, ".zeal: there is no such key; a row knows", id="a strange key"),
        pytest.param('source = "our lawyer"', "", 3, ": the row has no source: every row needs", id="no source"),
        pytest.param("Mo-Sa 09:00-20:00", "8-21", 5, '.hours: cannot read "8-21": write days', id="bare hours"),
        pytest.param("Mo-Sa 09:00-20:00", "Mo-Sa 09:00-25:00", 5, "between 00:00 and 24:00", id="no such hour"),
        pytest.param("Mo-Sa 09:00-20:00", "Mo-Sa 20:00-09:00", 5, "split what crosses midnight", id="over midnight"),
        pytest.param('"our lawyer"', '""', 6, ".source:", id="an empty source"),
        pytest.param('"2026-11-24"', '"yesterday"', 7, ".date:", id="a date that is none"),
        pytest.param('"primary"', '"sure"', 8, ".confidence: Input should be 'primary'", id="another confidence"),
        pytest.param('"primary"', '"primary"\ncap = 0', 9, ".cap:", id="a cap of nothing"),
        pytest.param('"primary"', '"primary"\nclasses = ["otp"]', 9, ".classes:", id="another class"),
        pytest.param('"primary"', '"primary"\nclasses = []', 9, ".classes:", id="about nothing"),
        pytest.param(
            '"primary"', '"primary"\nclasses = ["service", "service"]', 3, "classes names one twice", id="a class twice"
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_file_line_and_key(tmp_path, old, new, line, sentence):
    text = "# ours\n" + ROW.replace(old, new)

    told = refusal(tmp_path, text)

    assert re.search(rf"line {line}: hours[^;]*{re.escape(sentence)}", told), told


def test_two_rows_about_one_place_are_refused_with_both_their_lines(tmp_path):
    told = refusal(tmp_path, ROW + ROW.replace('"FR"', '"DE"') + ROW)

    assert "line 16: hours: the row at line 2 is about the same place: leave one of them" in told


def test_every_mistake_is_named_at_once(tmp_path):
    told = refusal(tmp_path, ROW.replace("FR", "XX").replace("primary", "sure") + ROW.replace("Mo-Sa", "Mo-Xx"))

    assert all(place in told for place in ("line 3: hours.country", "line 7: hours.confidence", "line 11: hours.hours"))


def test_a_line_is_found_among_the_policys_other_tables(tmp_path):
    told = refusal(
        tmp_path, f'[quiet]\nguard = "90s"\n{ROW}\n[senders.shop]\nconsole = "SHOP"\n{ROW.replace("FR", "XX")}'
    )

    assert "line 15: hours.country" in told


def test_rows_written_in_line_are_counted(tmp_path):
    told = refusal(tmp_path, 'hours = [{country = "FR"}]\n')

    assert "row 1: hours: the row has no hours" in told


@pytest.mark.parametrize("text", ['hours = "Mo-Su 08:00-20:00"', "[hours]\nFR = 5", "hours = [5]"])
def test_a_table_that_holds_no_rows_is_refused(tmp_path, text):
    assert "write each row below a line that says [[hours]]" in refusal(tmp_path, text)


# --- a row by itself ----------------------------------------------------------------------------


def row(**changes) -> Row:
    return Row.model_validate({
        "country": "FR", "hours": "Mo-Su 09:00-20:00", "source": "our lawyer", "date": "2026-11-24",
        "confidence": "primary", **changes,
    })  # fmt: skip


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        pytest.param("UK", "GB", id="what people call the United Kingdom"),
        pytest.param("uk", "GB", id="in small letters"),
        pytest.param("EL", "GR", id="what the European Union calls Greece"),
        pytest.param("SU", "RU", id="what is no more"),
        pytest.param("FX", "FR", id="what never was"),
        pytest.param("fr", "FR", id="a country in small letters"),
        pytest.param("France", "GB", id="a name: an example"),
    ],
)
def test_a_country_that_is_none_is_told_what_was_likely_meant(written, meant):
    with pytest.raises(ValidationError, match=f'there is no country "{written}".* like "{meant}"'):
        row(country=written)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"source": ""}, id="no source"),
        pytest.param({"source": "x" * 401}, id="a source that is a book"),
        pytest.param({"cap": 0}, id="none a day"),
        pytest.param({"cap": 1001}, id="more than a thousand a day"),
        pytest.param({"subdivision": "fl"}, id="a subdivision in small letters"),
        pytest.param({"country": "*", "subdivision": "FL"}, id="a subdivision of every country"),
        pytest.param({"hour": "24/7"}, id="a key that there is not"),
    ],
)
def test_a_row_is_refused_with(changes):
    with pytest.raises(ValidationError) as caught:
        row(**changes)
    assert "input_value" not in str(caught.value)


@pytest.mark.parametrize("changes", [{"source": "x"}, {"source": "x" * 400}, {"cap": 1}, {"cap": 1000}])
def test_a_row_may_have(changes):
    assert row(**changes).model_dump().items() >= changes.items()


def test_a_row_stands_still_and_says_what_it_holds():
    found = row(country="US", subdivision="FL", hours="Mo-Su 09:00-20:00; PH off", cap=3)

    assert (found.place, found.names_holidays, row().names_holidays) == ("US-FL", True, False)
    assert found.rule() == Rule("us-fl", found.hours, "our lawyer", "2026-11-24", Confidence.PRIMARY, 3)
    assert courtesy("24/7") == Rule("courtesy", "24/7", "the policy's quiet.open", "", Confidence.JUDGEMENT)
    assert courtesy("24/7").cap is None
    with pytest.raises(ValidationError):
        found.cap = 4


def test_a_table_without_a_default_allows_promotion_nowhere_else():
    service = row(country="*", classes=["service"])

    assert Table([row()]).promotional("DE") == ()
    assert Table([row(), service]).promotional("DE") == ()
    assert [rule.id for rule in Table([row(), row(country="*")]).promotional("DE-BY")] == ["default"]
    assert [rule.id for rule in Table([row(), row(subdivision="75C")]).promotional("FR-75C")] == ["fr", "fr-75c"]
