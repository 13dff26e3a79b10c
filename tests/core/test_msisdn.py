"""Numbers: every common spelling means one number or is refused, and none is ever shown."""

from __future__ import annotations

import copy
import json
import pickle
import random

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from smsqueue.core import msisdn, numbering
from smsqueue.core.msisdn import Msisdn
from smsqueue.errors import InvalidMessage

properties = settings(derandomize=settings.get_current_profile_name() in {"default", "ci"}, deadline=None)
"""The same examples on every commit; `--hypothesis-profile` with another profile may try more of them, at random."""

GB = "+447700900123"
US = "+12025550123"


# Where the digits of a script begin.
ASCII, ARABIC, HINDI, WIDE, BOLD = 0x30, 0x660, 0x966, 0xFF10, 0x1D7CE


def written(text: str, zero: int) -> str:
    return "".join(chr(zero + int(char)) if char.isascii() and char.isdigit() else char for char in text)


def read(text, region="", *, accept_fiction=True) -> tuple[str, str]:
    number = msisdn.parse(text, region=region, accept_fiction=accept_fiction)
    return number.msisdn.reveal(), number.region


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        pytest.param(GB, "", (GB, "GB"), id="E.164"),
        pytest.param(GB, "US", (GB, "GB"), id="a country code beats the region"),
        pytest.param("+44 7700 900123", "", (GB, "GB"), id="spaces"),
        pytest.param("+44.7700.900123", "", (GB, "GB"), id="dots"),
        pytest.param("+44-7700-900-123", "", (GB, "GB"), id="dashes"),
        pytest.param("+44 (0) 7700 900123", "", (GB, "GB"), id="the British habit of a trunk zero in brackets"),
        pytest.param("(+44) 7700 900123", "", (GB, "GB"), id="the country code in brackets"),
        pytest.param("00447700900123", "", (GB, "GB"), id="00 for the plus"),
        pytest.param("0044 7700 900123", "GB", (GB, "GB"), id="00 for the plus, from the country itself"),
        pytest.param("0044 7700 900123", "US", (GB, "GB"), id="00 for the plus in a country that dials 011"),
        pytest.param("011 44 7700 900123", "US", (GB, "GB"), id="what an American dials for abroad"),
        pytest.param("0011 44 7700 900123", "AU", (GB, "GB"), id="what an Australian dials for abroad"),
        pytest.param("07700 900123", "GB", (GB, "GB"), id="the national form"),
        pytest.param("447700900123", "GB", (GB, "GB"), id="the country code without a plus, in its country"),
        pytest.param("(202) 555-0123", "US", (US, "US"), id="American"),
        pytest.param("1-202-555-0123", "US", (US, "US"), id="American with the trunk one"),
        pytest.param("202/555-0123", "CA", (US, "US"), id="a number of another country with the same code"),
        pytest.param("+49 30 / 23125-000", "", ("+493023125000", "DE"), id="a German slash"),
        pytest.param("030/23125 000", "DE", ("+493023125000", "DE"), id="a German area code"),
        pytest.param("+39 02 1234 5678", "", ("+390212345678", "IT"), id="an Italian leading zero stays"),
        pytest.param("+1 (876) 555-0123", "", ("+18765550123", "JM"), id="a Jamaican is not an American"),
        pytest.param("+7 701 234 56 78", "", ("+77012345678", "KZ"), id="a Kazakh is not a Russian"),
        pytest.param("+800 1234 5678", "", ("+80012345678", "001"), id="a number of no country"),
        pytest.param("  +447700900123\r\n", "", (GB, "GB"), id="the end of a line"),
        pytest.param("\t+44\t7700 900123", "", (GB, "GB"), id="tabs"),
        pytest.param("\ufeff+447700900123", "", (GB, "GB"), id="the byte order mark of a spreadsheet"),
        pytest.param("+44\u00a07700\u202f900123", "", (GB, "GB"), id="spaces that do not break"),
        pytest.param("\u202a+44 7700 900123\u202c", "", (GB, "GB"), id="left-to-right marks of an address book"),
        pytest.param("\u202d+44 7700 900123\u202c", "", (GB, "GB"), id="left-to-right override, the same"),
        pytest.param("\u200f+44\u200e 7700\u200b900123", "", (GB, "GB"), id="marks nobody sees, inside"),
        pytest.param("+44\u20107700\u2011900\u2013123", "", (GB, "GB"), id="dashes of all lengths"),
        pytest.param("\uff0b" + written("44\u30007700\uff0d900123", WIDE), "", (GB, "GB"), id="full width"),
        pytest.param(written(GB, ARABIC), "", (GB, "GB"), id="Arabic digits"),
        pytest.param(written(GB, HINDI), "", (GB, "GB"), id="Hindi digits"),
        pytest.param(
            "+44" + written("7700", BOLD) + written("900", ARABIC) + "123", "", (GB, "GB"), id="three scripts"
        ),
    ],
)
def test_a_spelling_means_one_number(text, region, expected):
    assert read(text, region) == expected


@pytest.mark.parametrize(
    ("text", "region", "rule"),
    [
        pytest.param(None, "", "not_a_number", id="nothing"),
        pytest.param(447700900123, "", "not_a_number", id="an integer, which has lost its plus"),
        pytest.param(b"+447700900123", "", "not_a_number", id="bytes"),
        pytest.param("", "", "not_a_number", id="an empty string"),
        pytest.param("  \u200b\u2066", "GB", "not_a_number", id="nothing that anybody sees"),
        pytest.param("+", "", "not_a_number", id="only a plus"),
        pytest.param("()", "GB", "not_a_number", id="only brackets"),
        pytest.param("call me", "GB", "not_a_number", id="words"),
        pytest.param("1-800-FLOWERS", "US", "not_a_number", id="letters of a keypad"),
        pytest.param("+44 7700 900123 ext. 5", "", "not_a_number", id="an extension"),
        pytest.param("+44 7700 900123 x5", "", "not_a_number", id="an extension, short"),
        pytest.param("+44 7700 900123#5", "", "not_a_number", id="an extension, by a hash"),
        pytest.param("+44 7700 900123;ext=5", "", "not_a_number", id="an extension, as a parameter"),
        pytest.param("+447700900123,+447700900124", "", "not_a_number", id="two numbers"),
        pytest.param("+447700900123+447700900124", "", "not_a_number", id="two numbers without a gap"),
        pytest.param("+447700900123\n+447700900124", "", "not_a_number", id="two lines"),
        pytest.param("++447700900123", "", "not_a_number", id="two pluses"),
        pytest.param("\f+447700900123", "", "not_a_number", id="a form feed before it"),
        pytest.param("\ufeff+447700900123X", "", "not_a_number", id="a letter behind it, and a mark nobody sees"),
        pytest.param("+0044 7700 900123", "GB", "no_country", id="a plus and then 00, which is what it stands for"),
        pytest.param("+44\x007700900123", "", "not_a_number", id="a NUL"),
        pytest.param("\u202e321009 0077 44+", "", "not_a_number", id="shown back to front"),
        pytest.param("+44 7700 90012\u00b3", "", "not_a_number", id="a superscript: a footnote, not a digit"),
        pytest.param("+44 7700 90012\u2462", "", "not_a_number", id="a digit in a circle"),
        pytest.param("+44 7700 90012\u00bd", "", "not_a_number", id="a half"),
        pytest.param("+44 7700 9001\u0332\u0332 23", "", "not_a_number", id="a digit underlined by a mark"),
        pytest.param("+44 7700 90012\U000e0033", "", "not_a_number", id="a digit as an invisible tag"),
        pytest.param("+44 7700 90012\ud835", "", "not_a_number", id="half a character"),
        pytest.param("0" * 65, "GB", "too_long", id="a spelling of 65 characters"),
        pytest.param("9" * 10_000_000, "", "too_long", id="ten million digits"),
        pytest.param("07700 900123", "", "no_country", id="a national number without a region"),
        pytest.param("447700900123", "", "no_country", id="a country code without a plus"),
        pytest.param("07700 900123", "XX", "no_country", id="a region that is none"),
        pytest.param("+999 123 456 789", "", "no_country", id="a country code that is none"),
        pytest.param("+0447700900123", "", "no_country", id="a plus before a zero"),
        pytest.param("+1 202 555", "", "too_short", id="digits missing"),
        pytest.param("+44 1", "", "too_short", id="a country's code and one digit"),
        pytest.param("011 44", "US", "too_short", id="a country's code, dialled abroad"),
        pytest.param("555-0123", "US", "too_short", id="a local number, which no provider can reach"),
        pytest.param("112", "DE", "too_short", id="an emergency number"),
        pytest.param("+44 7700 900123 4", "", "too_long", id="a digit too many"),
        pytest.param("+44" + "7" * 30, "", "too_long", id="as many digits as nobody has"),
        pytest.param("+1 202 155 0123", "", "unallocated", id="an exchange that cannot be"),
        pytest.param("+1 999 555 0123", "", "unallocated", id="an area that cannot be"),
        pytest.param("0011 65 9555 0123", "", "ambiguous", id="Australian for Singapore, or 00 for Alabama"),
        pytest.param("0011 65 9555 0123", "AU", "ambiguous", id="the same, from Australia"),
    ],
)
def test_what_is_no_number_is_refused(text, region, rule):
    with pytest.raises(InvalidMessage) as caught:
        read(text, region)

    assert (caught.value.field, caught.value.rule) == ("to", rule)
    assert not any(char.isdigit() for char in str(caught.value))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_every_rule_has_a_sentence_without_a_digit():
    assert set(msisdn.SENTENCES) == {
        "not_a_number", "no_country", "ambiguous", "too_short", "too_long", "unallocated",
    }  # fmt: skip
    assert not any(char.isdigit() for sentence in msisdn.SENTENCES.values() for char in sentence)


# --- ranges reserved for fiction --------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "region"),
    [
        pytest.param("+447700900000", "GB", id="the first British mobile"),
        pytest.param("+447700900999", "GB", id="the last British mobile"),
        pytest.param("+441632960123", "GB", id="a British area that is nowhere"),
        pytest.param("+33639980000", "FR", id="the first French mobile"),
        pytest.param("+33639989999", "FR", id="the last French mobile"),
        pytest.param("+353209100000", "IE", id="the first Irish"),
        pytest.param("+353209199999", "IE", id="the last Irish"),
    ],
)
def test_fiction_is_accepted_only_on_request(text, region):
    assert read(text) == (text, region)
    with pytest.raises(InvalidMessage) as caught:
        read(text, accept_fiction=False)
    assert caught.value.rule == "unallocated"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("+447700901000", id="after the British range"),
        pytest.param("+44770090012", id="a British one too short"),
        pytest.param("+4477009001234", id="a British one too long"),
        pytest.param("+33639990000", id="after the French range"),
        pytest.param("+353209200000", id="after the Irish range"),
    ],
)
def test_what_lies_beside_fiction_is_refused(text):
    with pytest.raises(InvalidMessage):
        read(text)


def test_a_row_of_fiction_is_needed():
    for region, prefix, free in msisdn.FICTION:
        number = phonenumbers.parse(prefix + "0" * free)
        assert not phonenumbers.is_valid_number(number), f"{region} is known to the numbering plans by now"


@pytest.mark.parametrize(
    ("text", "region"),
    [
        pytest.param("+12125550100", "US", id="American"),
        pytest.param("+16135550199", "CA", id="Canadian"),
        pytest.param("+61491570156", "AU", id="Australian"),
        pytest.param("+4917139200000", "DE", id="German"),
        pytest.param("+46701740605", "SE", id="Swedish"),
    ],
)
def test_fiction_inside_allocated_ranges_needs_no_request(text, region):
    assert read(text, accept_fiction=False) == (text, region)


# --- nothing shows ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "show",
    [
        pytest.param(repr, id="repr"),
        pytest.param(str, id="str"),
        pytest.param(ascii, id="ascii"),
        pytest.param("{}".format, id="format"),
        pytest.param("{!r:>40}".format, id="format with a width"),
        pytest.param("{:>40}".format, id="format with a specification"),
        pytest.param(lambda number: "%s %r" % (number, number), id="per cent"),  # noqa: UP031 - an old habit may not leak
        pytest.param(lambda number: repr([number]), id="inside a list"),
        pytest.param(lambda number: repr(msisdn.Number(number, "GB")), id="inside a Number"),
    ],
)
def test_a_number_shows_no_digit(show):
    assert not any(char.isdigit() for char in show(Msisdn(GB)))


@pytest.mark.parametrize(
    "leak",
    [
        pytest.param(pickle.dumps, id="pickle"),
        pytest.param(copy.deepcopy, id="deepcopy"),
        pytest.param(json.dumps, id="json"),
        pytest.param(vars, id="vars"),
        pytest.param(lambda number: setattr(number, "_e164", US), id="assignment"),
    ],
)
def test_a_number_is_neither_written_down_nor_changed(leak):
    with pytest.raises((TypeError, AttributeError)):
        leak(Msisdn(GB))


def test_numbers_are_equal_by_value():
    assert {Msisdn(GB), Msisdn(GB), Msisdn(US)} == {Msisdn(US), Msisdn(GB)}
    assert Msisdn(GB) != GB


# --- against the library ----------------------------------------------------------------------


def examples() -> list[phonenumbers.PhoneNumber]:
    found = []
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE, PhoneNumberType.VOIP):
            number = phonenumbers.example_number_for_type(region, kind)
            if number is not None:
                found.append(number)
    return found


def test_every_country_may_be_written_in_its_own_way():
    for number in examples():
        region = phonenumbers.region_code_for_number(number)
        expected = (phonenumbers.format_number(number, PhoneNumberFormat.E164), region)
        international = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
        assert read(international) == expected
        assert read(international.replace("+", "00", 1), region) == expected
        assert read(phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL), region) == expected


def every_example() -> list[phonenumbers.PhoneNumber]:
    kinds = [kind for kind in PhoneNumberType.values() if kind != PhoneNumberType.UNKNOWN]
    asked = [(region, kind) for region in sorted(phonenumbers.SUPPORTED_REGIONS) for kind in kinds]
    return [n for n in (phonenumbers.example_number_for_type(*question) for question in asked) if n is not None]


def test_the_plans_know_every_example_of_every_country():
    numbers = every_example()
    told = {
        text: (numbering.region_of(text), phonenumbers.region_code_for_number(number))
        for number in numbers
        if phonenumbers.is_valid_number(number)
        for text in [phonenumbers.format_number(number, PhoneNumberFormat.E164)]
    }

    assert len(told) > 900
    assert {text: pair for text, pair in told.items() if pair[0] != pair[1]} == {}


def test_the_plans_know_how_long_a_number_is():
    seeds = [phonenumbers.format_number(number, PhoneNumberFormat.E164) for number in every_example()]

    for text in [other for seed in seeds for other in (seed[:-1], seed + "0")]:
        if numbering.region_of(text) is not None:
            assert phonenumbers.is_valid_number(phonenumbers.parse(text)), text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("+80012345678", id="a code of no country"),
        pytest.param("+9991234567", id="a code that nobody has"),
        pytest.param("+447700900123", id="a range of fiction"),
        pytest.param("+12021550123", id="an exchange that cannot be"),
        pytest.param("+4477009001234", id="a digit too many"),
    ],
)
def test_the_plans_only_say_yes_when_they_are_sure(text):
    assert numbering.region_of(text) is None


def by_the_book(e164: str) -> tuple[str, str] | None:
    """Ask the library alone, step by step, as its manual says."""
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    region = phonenumbers.region_code_for_number(number)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164), region


def test_the_short_way_never_disagrees_with_the_library():
    chance = random.Random(5)
    seeds = [phonenumbers.format_number(number, PhoneNumberFormat.E164) for number in examples()]
    accepted = 0
    for _ in range(2000):
        digits = list(chance.choice(seeds))
        for _ in range(chance.choice((0, 1, 1, 2, 4))):
            digits[chance.randrange(1, len(digits))] = chance.choice("0123456789")
        if chance.random() < 0.2:
            digits.insert(chance.randrange(2, len(digits)), chance.choice("0123456789"))
        text = "".join(digits)
        try:
            got = read(text, accept_fiction=False)
        except InvalidMessage:
            got = None
        accepted += got is not None
        assert got == by_the_book(text), text
    assert accepted > 500


# --- hostile input ----------------------------------------------------------------------------

SOUP = st.text(
    st.one_of(
        st.sampled_from("+0123456789 ()-./"),
        st.sampled_from(
            "\u202e\u202d\u200b\u200f\ufeff\u00ad\u0661\uff11\u00b2\u2460\x00\x1b\n\ud800\u0301\U000e0031xX#;,"
        ),
        st.characters(),
    ),
    max_size=40,
)


@properties
@given(st.one_of(SOUP, st.text(), SOUP.map(lambda text: "+4477" + text)), st.sampled_from(["", "GB", "US", "AU", "SG"]))
def test_any_text_is_a_number_or_refused(text, region):
    try:
        e164, home = read(text, region)
    except InvalidMessage as error:
        broken = error
    else:
        assert by_the_book(e164) == (e164, home) or any(e164.startswith(prefix) for _, prefix, _ in msisdn.FICTION)
        assert read(e164) == (e164, home)
        return
    assert broken.rule in msisdn.SENTENCES
    assert not any(char.isdigit() for char in str(broken))


MARKS = st.sampled_from("\u200b\u200e\u200f\u202a\u202c\u202d\u2060\u2066\u2069\ufeff\u00ad\u00a0\u202f\u3000 -./")
SCRIPTS = st.sampled_from([ASCII, ARABIC, HINDI, WIDE, BOLD])


@properties
@given(st.lists(st.tuples(SCRIPTS, st.lists(MARKS, max_size=2)), min_size=12, max_size=12))
def test_marks_and_scripts_do_not_change_the_number(dress):
    digits = [written(digit, zero) + "".join(marks) for digit, (zero, marks) in zip(GB[1:], dress, strict=True)]

    assert read("+" + "".join(digits)) == (GB, "GB")


# --- exactly ------------------------------------------------------------------------------------


def test_a_number_shows_the_same_word_whatever_shows_it():
    number = msisdn.parse("+442079460123").msisdn

    assert {str(number), repr(number), f"{number}", f"{number:>20}"} == {"<Msisdn>"}
    assert "2079" not in repr(msisdn.parse("+442079460123"))


@pytest.mark.parametrize(
    ("spelling", "region", "rule"),
    [
        pytest.param(" " * 51 + "+442079460123", "", None, id="as long as a spelling may be"),
        pytest.param(" " * 52 + "+442079460123", "", "too_long", id="a character longer"),
        pytest.param("\t+44 20 7946 0123\r\n", "", None, id="white space around it"),
        pytest.param("X+442079460123X", "", "not_a_number", id="letters around it"),
        pytest.param("00442079460123", "", None, id="dialled abroad"),
        pytest.param("00442079460123", "GB", None, id="dialled abroad from its own country"),
        pytest.param("0044", "", "not_a_number", id="nothing but a country's code"),
        pytest.param("+44", "", "not_a_number", id="nothing behind the plus"),
        pytest.param("2079460123", "", "no_country", id="no country"),
        pytest.param("+999123456789", "", "no_country", id="a code of no country"),
        pytest.param("+4420794601234567", "", "too_long", id="longer than its country's numbers"),
        pytest.param("+442079", "", "too_short", id="shorter than its country's numbers"),
    ],
)
def test_the_rule_that_a_spelling_breaks(spelling, region, rule):
    if rule is None:
        assert msisdn.parse(spelling, region=region).msisdn.reveal() == "+442079460123"
        return
    with pytest.raises(InvalidMessage) as caught:
        msisdn.parse(spelling, region=region)
    assert (caught.value.field, caught.value.rule) == ("to", rule)
    assert str(caught.value) == f"to: {msisdn.SENTENCES[rule]}"


def test_a_number_of_the_world_is_of_no_country():
    assert msisdn.parse("+80012345678").region == msisdn.NON_GEOGRAPHIC == "001"


@pytest.mark.parametrize(
    ("spelling", "rule"),
    [
        pytest.param("0011 65 9555 0123", "ambiguous", id="no region, so it may be Australia"),
        pytest.param(GB, "unallocated", id="no fiction"),
    ],
)
def test_nothing_is_assumed_of_a_spelling(spelling, rule):
    with pytest.raises(InvalidMessage) as caught:
        msisdn.parse(spelling)
    assert caught.value.rule == rule
