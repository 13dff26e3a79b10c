"""Hours as an operator writes them: read exactly, or refused with what would be right."""

from __future__ import annotations

from datetime import date

import pytest

from smsqueue.core.schedule import Dated, Schedule, Together, intersect, parse_schedule


def day(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


OPEN_LATE = ((480, 1260),)


@pytest.mark.parametrize(
    ("text", "week"),
    [
        pytest.param("Mo-Su 08:00-21:00", (OPEN_LATE,) * 7, id="every day"),
        pytest.param("Mo-Sa 08:00-20:00; Su off", (((480, 1200),),) * 6 + ((),), id="Sundays off"),
        pytest.param(
            "Mo-Fr 08:00-20:00; Sa 10:00-20:00",
            (((480, 1200),),) * 5 + (((600, 1200),), ()),
            id="a day that nobody names is closed",
        ),
        pytest.param(
            "Mo-Su 08:00-20:00; We off",
            (((480, 1200),),) * 2 + ((),) + (((480, 1200),),) * 4,
            id="later rules override",
        ),
        pytest.param(
            "Mo,We,Fr-Sa 09:00-12:00,14:00-24:00",
            tuple(((540, 720), (840, 1440)) if day in {0, 2, 4, 5} else () for day in range(7)),
            id="lists of days and of windows",
        ),
        pytest.param(
            "Sa-Mo 10:00-12:00",
            tuple(((600, 720),) if day in {5, 6, 0} else () for day in range(7)),
            id="a range over the end of the week",
        ),
        pytest.param("Mo-Su 14:00-18:00,08:00-12:00", (((480, 720), (840, 1080)),) * 7, id="windows in any order"),
        pytest.param("24/7", (((0, 1440),),) * 7, id="always"),
        pytest.param(
            "Th 08:00-12:00,12:00-14:00",
            tuple(((480, 720), (720, 840)) if day == 3 else () for day in range(7)),
            id="windows that touch, on a Thursday",
        ),
        pytest.param("quiet 21:00-08:00", (OPEN_LATE,) * 7, id="quiet over midnight"),
        pytest.param("quiet: 21:00-08:00", (OPEN_LATE,) * 7, id="quiet with a colon"),
        pytest.param("quiet 12:00-14:00", (((0, 720), (840, 1440)),) * 7, id="a quiet noon"),
        pytest.param("quiet 00:00-08:00", (((480, 1440),),) * 7, id="quiet from midnight"),
        pytest.param("quiet 21:00-24:00", (((0, 1260),),) * 7, id="quiet until midnight"),
        pytest.param("quiet 09:00-09:00", (((0, 1440),),) * 7, id="quiet for no time at all is never quiet"),
        pytest.param(
            "  Mo - Su   08:00 - 12:00 , 13:00-21:00 ;\n", (((480, 720), (780, 1260)),) * 7, id="spaces anywhere"
        ),
    ],
)
def test_hours_are_read(text, week):
    assert parse_schedule(text) == Schedule(week)


WORKDAYS = (((480, 1200),),) * 5 + (((600, 1200),), ())


@pytest.mark.parametrize(
    ("text", "week", "holiday"),
    [
        pytest.param("Mo-Fr 08:00-20:00; Sa 10:00-20:00; Su,PH off", WORKDAYS, (), id="closed with the Sundays"),
        pytest.param("Mo-Su 08:00-21:00; PH off", (OPEN_LATE,) * 7, (), id="closed by a rule of their own"),
        pytest.param("Mo-Su 08:00-21:00; PH,Su off", (*(OPEN_LATE,) * 6, ()), (), id="named before the Sundays"),
        pytest.param("Mo-Su 08:00-21:00; PH 10:00-12:00", (OPEN_LATE,) * 7, ((600, 720),), id="hours of their own"),
        pytest.param("PH off; Mo-Su 08:00-21:00", (OPEN_LATE,) * 7, (), id="a later rule for weekdays leaves them"),
        pytest.param("PH off; PH 10:00-12:00; Mo-Su 08:00-21:00", (OPEN_LATE,) * 7, ((600, 720),), id="the later one"),
        pytest.param("24/7; PH off", (((0, 1440),),) * 7, (), id="always but on holidays"),
        pytest.param("Mo-Su 08:00-21:00", (OPEN_LATE,) * 7, None, id="not named: days like others"),
        pytest.param("quiet: 21:00-08:00", (OPEN_LATE,) * 7, None, id="quiet hours know no holidays"),
    ],
)
def test_holidays_are_read(text, week, holiday):
    assert parse_schedule(text) == Schedule(week, holiday)


@pytest.mark.parametrize(
    ("local", "open_at"),
    [
        pytest.param("2026-12-24", ((480, 1200),), id="a Thursday"),
        pytest.param("2026-12-25", ((600, 720),), id="a holiday on a Friday"),
        pytest.param("2026-12-26", ((600, 1200),), id="a Saturday"),
        pytest.param("2026-12-27", (), id="a Sunday"),
    ],
)
def test_a_holidays_hours_replace_those_of_its_weekday(local, open_at):
    hours = Dated(parse_schedule("Mo-Fr 08:00-20:00; Sa 10:00-20:00; PH 10:00-12:00"), {day("2026-12-25")}.__contains__)

    assert hours.windows(day(local)) == open_at


def test_a_schedule_that_names_holidays_is_not_asked_without_a_test_of_dates():
    with pytest.raises(ValueError, match="say whose"):
        parse_schedule("Mo-Su 08:00-20:00; PH off").windows(day("2026-12-24"))


def test_hours_that_hold_together_open_what_all_of_them_open():
    state = parse_schedule("Mo-Su 09:00-12:00,14:00-20:00; Su off")
    country = parse_schedule("Mo-Su 08:00-11:00,11:30-15:00,18:00-21:00")
    both = Together((state, country))

    assert both.windows(day("2026-11-24")) == ((540, 660), (690, 720), (840, 900), (1080, 1200))
    assert both.windows(day("2026-11-22")) == ()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("", "there are no hours", id="an empty text"),
        pytest.param(" ; ", "there are no hours", id="only separators"),
        pytest.param("8-21", 'cannot read "8-21": write days and hours', id="bare hours"),
        pytest.param("08:00-21:00", "write days and hours", id="hours without days"),
        pytest.param("Mo-Su", "write days and hours", id="days without hours"),
        pytest.param("Mo-Su 8:00-21:00", "write HH:MM-HH:MM", id="an hour of one digit"),
        pytest.param("Mo-Su 08:00-25:00", "between 00:00 and 24:00", id="an hour that is none"),
        pytest.param("Mo-Su 08:00-24:30", "between 00:00 and 24:00", id="after midnight"),
        pytest.param("Mo-Su 08:00-20:60", "write HH:MM-HH:MM", id="a minute that is none"),
        pytest.param("Mo-Su 0\u0668:00-21:00", "write HH:MM-HH:MM", id="digits of another script"),
        pytest.param("Mo-Su 08:00", "write HH:MM-HH:MM", id="no end"),
        pytest.param("Mo-Su 08:00-12:00,", 'cannot read the hours ""', id="a comma too many"),
        pytest.param("Mo-Su 08:00-12:00,Su off", 'cannot read the hours "Su off"', id="a comma instead of a semicolon"),
        pytest.param("Mo-Su closed", 'cannot read the hours "closed"', id="an unknown word"),
        pytest.param("Mo-Su 20:00-02:00", "split what crosses midnight", id="an open window over midnight"),
        pytest.param("Mo-Su 08:00-08:00", "split what crosses midnight", id="an empty window"),
        pytest.param(
            "Mo-Su 08:00-12:00,11:00-14:00", "overlap: write what they cover together as one", id="windows that overlap"
        ),
        pytest.param("Mo-Sun 08:00-20:00", 'cannot read the days "Mo-Sun"', id="a day of three letters"),
        pytest.param(
            "Xx off", '"Xx": write Mo, Tu, We, Th, Fr, Sa, Su, a range, "Mo-Fr", or PH', id="a day that is none"
        ),
        pytest.param("mo-su 08:00-20:00", 'cannot read the days "mo-su"', id="small letters"),
        pytest.param("Mo-We-Fr 08:00-20:00", 'cannot read the days "Mo-We-Fr"', id="a range of three"),
        pytest.param("Mo-Su 08:00-20:00; PH", "write days and hours", id="holidays without hours"),
        pytest.param("Mo-Su 08:00-20:00; Sa-PH off", 'cannot read the days "Sa-PH"', id="a range up to a holiday"),
        pytest.param("Mo-Su 08:00-20:00; PH-Su off", 'cannot read the days "PH-Su"', id="a range from a holiday"),
        pytest.param("Mo-Su 08:00-20:00; SH off", "PH for public holidays", id="school holidays"),
        pytest.param("Mo-Su 08:00-20:00; 24/7 off", 'cannot read the days "24/7"', id="always, but off"),
        pytest.param("Su,PH off", "never opens", id="closed on holidays, and on all other days"),
        pytest.param("PH 10:00-12:00", "never opens", id="open on holidays alone"),
        pytest.param("Mo-,Tu 08:00-20:00", 'cannot read the days "Mo-"', id="a range without an end"),
        pytest.param("quiet", "write HH:MM-HH:MM", id="quiet at no time"),
        pytest.param("quiet 9-8", "write HH:MM-HH:MM", id="quiet at bare hours"),
        pytest.param("quiet 00:00-24:00", "never opens", id="always quiet"),
        pytest.param("Mo-Su off", "never opens", id="never open"),
    ],
)
def test_hours_that_cannot_be_read_say_what_would_be_right(text, sentence):
    with pytest.raises(ValueError) as caught:
        parse_schedule(text)

    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    "week",
    [
        pytest.param((OPEN_LATE,) * 6, id="six days"),
        pytest.param((((600, 720), (480, 540)),) * 7, id="not sorted"),
        pytest.param((((480, 720), (700, 800)),) * 7, id="overlapping"),
        pytest.param((((480, 480),),) * 7, id="empty"),
        pytest.param((((-1, 480),),) * 7, id="before midnight"),
        pytest.param((((480, 1441),),) * 7, id="after midnight"),
    ],
)
def test_a_schedule_that_would_break_the_search_is_refused(week):
    with pytest.raises(ValueError):
        Schedule(week)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        pytest.param("Mo-Su 08:00-21:00", 780, id="a day"),
        pytest.param("Mo-Fr 08:00-20:00; Sa 09:00-13:00", 720, id="the longest of the week"),
        pytest.param("Mo-Su 08:00-10:00,11:00-14:00", 180, id="the longest of the day"),
        pytest.param("Mo 20:00-24:00; Tu 00:00-03:00,05:00-06:00", 420, id="over midnight"),
        pytest.param("Su 20:00-24:00; Mo 00:00-03:00", 420, id="over the end of the week"),
        pytest.param("Mo 00:00-24:00; Tu 00:00-01:00", 1500, id="a day and an hour"),
        pytest.param("Mo,We 00:00-24:00", 1440, id="two days apart"),
        pytest.param("Mo-Sa 00:00-24:00", 6 * 1440, id="six days"),
        pytest.param("24/7", 7 * 1440, id="always"),
    ],
)
def test_the_longest_time_without_a_closing(text, minutes):
    assert parse_schedule(text).longest == minutes


@pytest.mark.parametrize(
    ("left", "right", "common"),
    [
        pytest.param(((0, 1440),), ((0, 1440),), ((0, 1440),), id="the whole day, from its first minute"),
        pytest.param(((0, 10),), ((10, 20),), (), id="what touches has nothing in common"),
        pytest.param(((0, 10), (20, 30)), ((5, 25),), ((5, 10), (20, 25)), id="one over two"),
        pytest.param(((0, 10), (10, 20)), ((0, 20),), ((0, 10), (10, 20)), id="two that touch"),
        pytest.param(((0, 10),), ((0, 10), (15, 20)), ((0, 10),), id="one that ends before the other begins"),
        pytest.param(((0, 10),), (), (), id="nothing"),
    ],
)
def test_what_windows_have_in_common(left, right, common):
    assert intersect(left, right) == intersect(right, left) == common
    assert Together((Schedule((left,) * 7), Schedule((right,) * 7))).windows(0) == common
