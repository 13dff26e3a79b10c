"""Segments: what a text takes on the air, counted as handsets and networks do."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsqueue.core import national, segments, smart
from smsqueue.core.national import Language
from smsqueue.core.segments import BASIC, EXTENSION, measure
from smsqueue.errors import InvalidMessage

properties = settings(derandomize=settings.get_current_profile_name() in {"default", "ci"}, deadline=None)
"""The same examples on every commit; `--hypothesis-profile` with another profile may try more of them, at random."""

# 3GPP TS 23.038 §6.2.1, sixteen codes a line, from 0x00; 0x1B is the escape to the extension table.
BASIC_BY_CODE = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
EXTENSION_BY_CODE = {
    0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|", 0x65: "€",
}  # fmt: skip

FAMILY = "👩‍👩‍👧‍👦"  # 11 units: four people, three joiners
SCOTLAND = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"  # 14 units
THUMB = "👍🏽"  # 4 units, a thumb and a skin tone
FLAG = "🇬🇧"  # 4 units, two letters
KEYCAP = "1\ufe0f\u20e3"  # 3 units


def test_the_alphabet_is_the_standards():
    assert len(BASIC_BY_CODE) == 128
    assert set(BASIC) == set(BASIC_BY_CODE) - {"\x1b"}
    assert set(EXTENSION) == set(EXTENSION_BY_CODE.values())
    assert (len(BASIC), len(EXTENSION), len(set(BASIC + EXTENSION))) == (127, 10, 137)


@pytest.mark.parametrize("char", sorted(BASIC + EXTENSION))
def test_a_character_of_the_alphabet_stays_in_it(char):
    assert measure("a" + char) == segments.Measure("a" + char, "gsm7", 3 if char in EXTENSION else 2, 1)


@pytest.mark.parametrize("char", list("çÊêÁáÍíÓóÚúëôûâÀ`ğışĞŞİ“”—…«»•ªº²½©®™αβ\u2019\u2013\u00b4\u00a0\u2028я中😀"))
def test_one_character_outside_makes_the_whole_text_ucs2(char):
    assert measure("a" * 69 + char).encoding == "ucs2"


@pytest.mark.parametrize(
    ("text", "encoding", "units", "count"),
    [
        pytest.param("a" * 160, "gsm7", 160, 1, id="one full segment"),
        pytest.param("a" * 161, "gsm7", 161, 2, id="one more makes two"),
        pytest.param("a" * 306, "gsm7", 306, 2, id="two full segments"),
        pytest.param("a" * 307, "gsm7", 307, 3, id="one more makes three"),
        pytest.param("a" * 1530, "gsm7", 1530, 10, id="ten full segments"),
        pytest.param("€" * 80, "gsm7", 160, 1, id="one full segment of pairs"),
        pytest.param("€" * 81, "gsm7", 162, 2, id="one pair more"),
        pytest.param("€" * 152, "gsm7", 304, 2, id="two segments of pairs, each with a unit to spare"),
        pytest.param("€" * 153, "gsm7", 306, 3, id="306 units that do not fit into two"),
        pytest.param("a" * 152 + "€" + "a" * 151, "gsm7", 305, 2, id="a pair pushed over, room enough"),
        pytest.param("a" * 152 + "€" + "a" * 152, "gsm7", 306, 3, id="a pair pushed over, no room"),
        pytest.param("a" * 151 + "€" + "a" * 153, "gsm7", 306, 2, id="a pair that just fits"),
        pytest.param("a\r\n\fb", "gsm7", 6, 1, id="line feed, carriage return, form feed"),
        pytest.param("я" * 70, "ucs2", 70, 1, id="one full segment, UCS-2"),
        pytest.param("я" * 71, "ucs2", 71, 2, id="one more makes two, UCS-2"),
        pytest.param("я" * 134, "ucs2", 134, 2, id="two full segments, UCS-2"),
        pytest.param("я" * 135, "ucs2", 135, 3, id="one more makes three, UCS-2"),
        pytest.param("😀" * 35, "ucs2", 70, 1, id="emoji are two units each"),
        pytest.param("😀" * 36, "ucs2", 72, 2, id="one emoji more"),
        pytest.param("😀" * 67, "ucs2", 134, 3, id="134 units of pairs do not fit into two"),
        pytest.param("я" * 66 + "😀" + "я" * 66, "ucs2", 134, 3, id="half an emoji is not sent"),
        pytest.param("я" * 65 + "😀" + "я" * 67, "ucs2", 134, 2, id="an emoji that just fits"),
        pytest.param("я" * 66 + "я\u0301" + "я" * 66, "ucs2", 134, 3, id="an accent stays with its letter"),
        pytest.param("я" * 60 + FAMILY + "я" * 57, "ucs2", 128, 3, id="a family stays together"),
        pytest.param("я" * 60 + SCOTLAND + "я" * 54, "ucs2", 128, 3, id="the flag of Scotland is not cut"),
        pytest.param("я" * 64 + THUMB + "я" * 64, "ucs2", 132, 3, id="a skin tone stays with its hand"),
        pytest.param("я" * 64 + FLAG + "я" * 64, "ucs2", 132, 3, id="a flag is not cut into letters"),
        pytest.param("я" * 63 + FLAG * 17, "ucs2", 131, 2, id="flags in a row are cut between two"),
        pytest.param("я" * 62 + FLAG * 18, "ucs2", 134, 3, id="flags in a row, the cut inside one"),
        pytest.param("я" * 64 + "🇦🇿" + "я" * 64, "ucs2", 132, 3, id="the first letter of flags and the last"),
        pytest.param("я" * 64 + "🇿🇦" + "я" * 64, "ucs2", 132, 3, id="the last letter of flags and the first"),
        pytest.param(
            "я" * 65 + "\U0001f200" * 2 + "я" * 65, "ucs2", 134, 2, id="what comes after the letters of flags"
        ),
        pytest.param("я" * 66 + "XX" + "я" * 66, "ucs2", 134, 2, id="letters that are nothing but letters"),
        pytest.param("я" * 66 + "नि" + "я" * 66, "ucs2", 134, 3, id="a vowel sign stays with its consonant"),
        pytest.param("я" * 65 + KEYCAP + "я" * 66, "ucs2", 134, 3, id="a keycap stays together"),
        pytest.param("я" * 66 + "\u1100\u1161\u11a8" + "я" * 67, "ucs2", 134, 2, id="Hangul is composed"),
        pytest.param("я" + "\u0301" * 133, "ucs2", 134, 2, id="a cluster longer than a segment has to break"),
        pytest.param("я" * 10 + "я" + "\u0301" * 70, "ucs2", 81, 3, id="it starts a segment of its own, and breaks"),
        pytest.param("\u0301" * 71, "ucs2", 71, 2, id="marks of nothing"),
        pytest.param("я\u200d" * 67, "ucs2", 134, 2, id="joiners without end"),
        pytest.param("😀\u200d" * 67, "ucs2", 201, 4, id="no emoji is cut where a cluster has to break"),
    ],
)
def test_a_text_takes_so_many_segments(text, encoding, units, count):
    got = measure(text)

    assert (got.encoding, got.units, got.segments) == (encoding, units, count)
    assert got.text == unicodedata.normalize("NFC", text)
    assert {type(got.units), type(got.segments)} == {int}


@pytest.mark.parametrize(
    ("text", "composed", "encoding"),
    [
        pytest.param("cafe\u0301", "café", "gsm7", id="an accent typed as a mark is in the alphabet"),
        pytest.param("\u2126", "Ω", "gsm7", id="the ohm is the Greek letter"),
        pytest.param("\u212b", "Å", "gsm7", id="the ångström is the Swedish letter"),
        pytest.param("c\u0327a", "ça", "ucs2", id="a cedilla composed is still outside"),
    ],
)
def test_a_text_is_composed_first(text, composed, encoding):
    got = measure(text)

    assert (got.text, got.encoding) == (composed, encoding)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        pytest.param(None, "not_text", id="nothing"),
        pytest.param(b"hello", "not_text", id="bytes"),
        pytest.param("", "empty", id="an empty text"),
        pytest.param(" \n\t\u3000", "empty", id="only white space"),
        pytest.param("x" * 10_001, "too_long", id="too long, plain"),
        pytest.param(" " * 10_001, "too_long", id="too long, before it is looked at"),
        pytest.param("\ud800" * 10_001, "too_long", id="too long, whatever it is"),
        pytest.param("a\x00b", "control_character", id="a NUL"),
        pytest.param("a\x1bb", "control_character", id="an escape, which would eat the next character"),
        pytest.param("a\tb", "control_character", id="a tab"),
        pytest.param("a\x0bb", "control_character", id="a vertical tab"),
        pytest.param("я\x07", "control_character", id="a bell in a UCS-2 text"),
        pytest.param("a\x7f", "control_character", id="a delete"),
        pytest.param("a\x85", "control_character", id="a control character of Latin 1"),
        pytest.param("a\ud83d", "not_unicode", id="the first half of an emoji"),
        pytest.param("\udc00a", "not_unicode", id="the second half of something"),
        pytest.param("\ud83d\ude00", "not_unicode", id="an emoji in two halves"),
    ],
)
def test_what_cannot_be_sent_is_refused(text, rule):
    with pytest.raises(InvalidMessage) as caught:
        measure(text)

    assert (caught.value.field, caught.value.rule) == ("text", rule)
    assert caught.value.__context__ is None


def test_a_hundred_thousand_characters_are_refused_at_once():
    text = "\u0301\u200d" * 50_000  # the worst to cut, and to compose
    begun = time.process_time()

    with pytest.raises(InvalidMessage) as caught:
        measure(text)

    assert caught.value.rule == "too_long"
    assert time.process_time() - begun < 0.01


def test_ten_thousand_characters_are_measured():
    assert measure("x" * 10_000).segments == 66


def test_a_measure_does_not_show_its_text():
    assert "QZX" not in repr(measure("QZX canary"))


# --- properties -------------------------------------------------------------------------------

CLUSTERS = ["я", "中", "é", "a", "€", "😀", FAMILY, SCOTLAND, THUMB, FLAG, KEYCAP, "я\u0301\u0316", "ก็", "नि", "👩‍🚀"]


@properties
@given(st.lists(st.sampled_from(CLUSTERS), min_size=1, max_size=150))
def test_what_readers_see_as_one_character_stays_together(clusters):
    text = "я" + "".join(clusters)  # never all of the alphabet
    sizes = [len(unicodedata.normalize("NFC", cluster).encode("utf-16-be")) // 2 for cluster in ["я", *clusters]]
    expected, used = 1, 0
    for size in sizes:
        if used + size > 67:
            expected, used = expected + 1, 0
        used += size

    got = measure(text)

    assert got.units == sum(sizes)
    assert got.segments == (1 if sum(sizes) <= 70 else expected)


@properties
@given(st.text(st.sampled_from(BASIC + EXTENSION), min_size=140, max_size=700))
def test_a_pair_of_the_extension_stays_together(text):
    if text.isspace():
        return
    septets = [2 if char in EXTENSION else 1 for char in text]
    expected, used = 1, 0
    for size in septets:
        if used + size > 153:
            expected, used = expected + 1, 0
        used += size

    got = measure(text)

    assert (got.text, got.encoding, got.units) == (text, "gsm7", sum(septets))
    assert got.segments == (1 if sum(septets) <= 160 else expected)


@properties
@given(st.one_of(st.text(min_size=1), st.text(st.characters(categories=["Mn", "Cf", "Cs", "Cc", "So"]), min_size=60)))
def test_any_text_is_measured_or_refused(text):
    try:
        got = measure(text)
    except InvalidMessage as error:
        rule = error.rule
    else:
        assert_plausible(got, text)
        return
    assert rule in {"empty", "too_long", "not_unicode", "control_character"}


def assert_plausible(got: segments.Measure, text: str) -> None:
    assert got.text == unicodedata.normalize("NFC", text)
    alone, each = (160, 153) if got.encoding == "gsm7" else (70, 67)
    fewest = 1 if got.units <= alone else -(-got.units // each)
    assert fewest <= got.segments <= max(1, got.units)
    assert measure(got.text) == got


# --- smart encoding, when somebody wants it -------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        pytest.param("“Yes” — said she…", '"Yes" - said she...', id="quotes, a dash, an ellipsis"),
        pytest.param("«Oui»\u202f!", '"Oui" !', id="French quotes and a narrow space"),
        pytest.param("„Ja“, ‚nein‘", "\"Ja\", 'nein'", id="German quotes"),  # noqa: RUF001 - meant
        pytest.param("It’s 7–8\u00a0pm", "It's 7-8 pm", id="an apostrophe, a range, a space that does not break"),  # noqa: RUF001 - meant
        pytest.param("soft\u00adhyphen\u200b\ufeff", "softhyphen", id="what nobody sees is dropped"),
        pytest.param("one\u2028two", "one\ntwo", id="a line separator"),
    ],
)
def test_typographic_signs_are_replaced_on_request(text, plain):
    assert measure(text, simplify=True) == measure(plain)
    assert (measure(text).encoding, measure(text).text) == ("ucs2", unicodedata.normalize("NFC", text))


@pytest.mark.parametrize("text", ["“Да” — сказала", "“好”", "I’m 😀", "ç’est"])  # noqa: RUF001 - meant
def test_a_text_that_does_not_fit_the_alphabet_anyway_is_not_changed(text):
    assert measure(text, simplify=True) == measure(text)


def test_what_smart_encoding_writes_is_in_the_alphabet():
    assert set("".join(smart.TABLE.values())) <= set(BASIC)
    assert not set(map(chr, smart.TABLE)) & set(BASIC + EXTENSION)


def test_a_text_of_nothing_but_unseen_characters_is_empty():
    with pytest.raises(InvalidMessage) as caught:
        measure("\u200b\ufeff", simplify=True)
    assert (caught.value.field, caught.value.rule) == ("text", "empty")


# --- national shift tables, when all providers use them --------------------------------------------

SHIFTED = {  # 3GPP TS 23.038 §A.2.1 to §A.2.3, by code; without what the default extension has as well
    Language.TURKISH: {0x47: "Ğ", 0x49: "İ", 0x53: "Ş", 0x63: "ç", 0x67: "ğ", 0x69: "ı", 0x73: "ş"},  # noqa: RUF001 - meant
    Language.SPANISH: {
        0x09: "ç", 0x41: "Á", 0x49: "Í", 0x4F: "Ó", 0x55: "Ú", 0x61: "á", 0x69: "í", 0x6F: "ó", 0x75: "ú",
    },
    Language.PORTUGUESE: {
        0x05: "ê", 0x09: "ç", 0x0B: "Ô", 0x0C: "ô", 0x0E: "Á", 0x0F: "á", 0x12: "Φ", 0x13: "Γ", 0x15: "Ω", 0x16: "Π",
        0x17: "Ψ", 0x18: "Σ", 0x19: "Θ", 0x1F: "Ê", 0x41: "À", 0x49: "Í", 0x4F: "Ó", 0x55: "Ú", 0x5B: "Ã", 0x5C: "Õ",
        0x61: "Â", 0x69: "í", 0x6F: "ó", 0x75: "ú", 0x7B: "ã", 0x7C: "õ", 0x7F: "â",
    },
}  # fmt: skip


@pytest.mark.parametrize("language", Language)
def test_a_languages_letters_are_those_of_the_standard(language):
    assert sorted(national.LETTERS[language]) == sorted(SHIFTED[language].values())


@pytest.mark.parametrize(
    ("text", "languages", "encoding", "units", "count"),
    [
        pytest.param("ş", ["turkish"], "gsm7-turkish", 2, 1, id="a letter takes two units"),
        pytest.param("Ağ€è", ["turkish"], "gsm7-turkish", 6, 1, id="beside the alphabet and its extension"),
        pytest.param("ı" + "a" * 153, ["turkish"], "gsm7-turkish", 155, 1, id="a full segment, shorter by its header"),  # noqa: RUF001 - meant
        pytest.param("ı" + "a" * 154, ["turkish"], "gsm7-turkish", 156, 2, id="one unit more makes two"),  # noqa: RUF001 - meant
        pytest.param("ñ" * 297 + "í", ["spanish"], "gsm7-spanish", 299, 3, id="a pair pushed over, no room"),
        pytest.param("ñ" * 296 + "í", ["spanish"], "gsm7-spanish", 298, 2, id="two full segments"),
        pytest.param("ã" * 75, ["portuguese"], "gsm7-portuguese", 150, 1, id="nothing but letters"),
        pytest.param("ã" * 78, ["portuguese"], "gsm7-portuguese", 156, 2, id="in pairs, each with a unit to spare"),
        pytest.param("ş", ["spanish"], "ucs2", 1, 1, id="a letter of another language"),
        pytest.param("şã", ["turkish", "portuguese"], "ucs2", 2, 1, id="two languages in one text"),
        pytest.param("ã", ["turkish", "portuguese"], "gsm7-portuguese", 2, 1, id="whichever of the provider's fits"),
        pytest.param("ç", ["spanish", "turkish"], "gsm7-spanish", 2, 1, id="the first that fits"),
        pytest.param("a" * 160, ["turkish"], "gsm7", 160, 1, id="a text of the alphabet needs no table"),
        pytest.param("ş", [], "ucs2", 1, 1, id="a provider without"),
    ],
)
def test_letters_of_a_providers_shift_tables_stay_in_seven_bits(text, languages, encoding, units, count):
    got = measure(text, languages=tuple(map(Language, languages)))

    assert (got.text, got.encoding, got.units, got.segments) == (text, encoding, units, count)
