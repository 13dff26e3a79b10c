"""What every provider must do, whatever its API: one suite over all of them."""

from __future__ import annotations

import asyncio
import io
import string
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lab.ports import free_port
from smsqueue.core.submission import SendResult, SendStatus, Submission
from workers.http import Answer
from workers.providers.console import Console
from workers.providers.twilio import Twilio, TwilioSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from workers.providers.protocol import Provider

ID = "00" + "D" * 16
CALLBACK = f"https://sms.example/receipts/twilio/{ID}/f7/mark"
TEXT = "Ihr Code ist 936514 ✓"
CODE_LETTERS = frozenset(string.ascii_letters + string.digits + "_.-")
LIMIT = timedelta(milliseconds=700)


def submission(to: str = "+12025550100", **changes) -> Submission:
    given = {
        "id": ID, "fence": "f7", "to": to, "text": TEXT, "sender": "+12025550999",
        "valid_for": timedelta(seconds=90), "callback": CALLBACK,
    }  # fmt: skip
    return Submission(**{**given, **changes})


@dataclass(frozen=True)
class Subject:
    """A provider, and a window on what the other side of it received: pairs of callback's id and validity (s)."""

    make: Callable[[], Provider]
    received: Callable[[], list[tuple[str, int]]]

    def submit(self, *submissions: Submission) -> list[SendResult]:
        async def run() -> list[SendResult]:
            provider = self.make()
            try:
                return [await provider.submit(each) for each in submissions]
            finally:
                await provider.close()

        return asyncio.run(run())


def twilio(standin, *, port: int | None = None, limit: timedelta = LIMIT) -> Subject:
    settings = TwilioSettings(
        base_url=f"http://127.0.0.1:{port or standin.port}", account_sid=standin.account, auth_token=standin.token
    )

    def received() -> list[tuple[str, int]]:
        return [(message["id"], seconds) for message in standin.messages() for seconds in message["validity"]]

    return Subject(lambda: Twilio(settings, call_limit=limit, connections=4), received)


def console() -> Subject:
    stream = io.StringIO()

    def received() -> list[tuple[str, int]]:
        lines = [line.split() for line in stream.getvalue().splitlines()]
        return [(words[1], int(words[4])) for words in lines]

    return Subject(lambda: Console(stream), received)


@pytest.fixture(params=["twilio", "console"])
def subject(request, standin) -> Subject:
    return {"twilio": lambda: twilio(standin), "console": console}[request.param]()


def leaks(result: SendResult, *secrets: str) -> list[str]:
    """Return what of the secrets, or of any four characters of them, is said by a code or a repr."""
    said = f"{result.code} {result!r}"
    parts = {secret[at : at + 5] for secret in secrets for at in range(len(secret) - 4)}
    return [part for part in parts if part in said.replace(result.provider_id or "-", "")]


def assert_well_formed(result: SendResult) -> None:
    """Hold a result to what SendResult promises."""
    assert len(result.code) <= 16
    assert set(result.code) <= CODE_LETTERS
    assert len(result.provider_id) <= 48
    assert bool(result.provider_id) is (result.status is SendStatus.ACCEPTED)
    assert (result.retry_after is None) or result.status is SendStatus.THROTTLED


def test_a_message_is_accepted_under_a_name_of_the_providers(subject):
    (result,) = subject.submit(submission())

    assert_well_formed(result)
    assert (result.status, result.code) == (SendStatus.ACCEPTED, "")


def test_it_submits_exactly_once(subject):
    subject.submit(submission())

    assert subject.received() == [(ID, 90)]


def test_each_submit_is_one_more_and_has_a_name_of_its_own(subject):
    results = subject.submit(*[submission()] * 5)

    assert len(subject.received()) == 5
    assert len({result.provider_id for result in results}) == 5


@pytest.mark.parametrize(
    ("valid_for", "seconds"),
    [
        pytest.param(timedelta(seconds=59, milliseconds=999), 59, id="part of a second is cut off, never rounded up"),
        pytest.param(timedelta(seconds=60), 60, id="a whole number stays"),
        pytest.param(timedelta(hours=10), 36_000, id="ten hours"),
    ],
)
def test_the_validity_is_passed_on(subject, valid_for: timedelta, seconds: int):
    subject.submit(submission(valid_for=valid_for))

    assert [received for _, received in subject.received()] == [seconds]


def test_what_it_can_is_said_in_whole_seconds(subject):
    can = subject.make().can if isinstance(subject.make(), Console) else Twilio.can

    assert timedelta(0) < can.shortest < can.longest
    assert can.shortest % timedelta(seconds=1) == can.longest % timedelta(seconds=1) == timedelta(0)


def test_nothing_of_number_or_text_is_in_a_result(subject):
    message = submission()

    (result,) = subject.submit(message)

    assert leaks(result, message.to, message.text) == []
    assert "5550100" not in result.provider_id


def test_a_submission_shows_neither_number_nor_text_nor_where_receipts_go():
    said = repr(submission())

    assert ID in said
    assert [secret for secret in ("2025550100", "936514", "Ihr Code", "mark") if secret in said] == []


def test_an_answer_shows_nothing_of_its_body():
    assert repr(Answer(400, b'{"message": "+12025550100 is not a number"}')) == "Answer(status=400)"


def test_the_callback_is_passed_on_with_id_and_fence(standin):
    twilio(standin).submit(submission())

    (message,) = standin.messages()
    assert (message["id"], message["fences"]) == (ID, ["f7"])


def test_without_a_callback_none_is_asked_for(standin):
    standin.configure(callbacks=True)

    twilio(standin).submit(submission(callback=None))

    (message,) = standin.messages()
    assert message["fences"] == [""]
    assert standin.counts()["callbacks_sent"] == 0


TROUBLE = [
    pytest.param("0190", SendStatus.UNKNOWN, "500", id="a 500 without a word"),
    pytest.param("0192", SendStatus.UNKNOWN, "answer_lost", id="no answer"),
    pytest.param("0193", SendStatus.UNKNOWN, "answer_lost", id="closed without an answer"),
    pytest.param("0194", SendStatus.UNKNOWN, "answer_lost", id="an answer byte by byte"),
    pytest.param("0195", SendStatus.UNKNOWN, "no_sid", id="a page instead of JSON"),
    pytest.param("0196", SendStatus.UNKNOWN, "answer_lost", id="an answer cut short"),
    pytest.param("0197", SendStatus.UNKNOWN, "too_large", id="an answer of a megabyte"),
    pytest.param("0183", SendStatus.UNKNOWN, "503", id="a 503, which took it"),
    pytest.param("0184", SendStatus.UNKNOWN, "502", id="an edge proxy's page"),
    pytest.param("0191", SendStatus.THROTTLED, "429", id="too fast"),
    pytest.param("0198", SendStatus.ACCOUNT, "redirect", id="a redirect"),
    pytest.param("0185", SendStatus.ACCOUNT, "20003", id="credentials"),
    pytest.param("0180", SendStatus.REJECTED, "21211", id="a bad number"),
    pytest.param("0181", SendStatus.REJECTED, "opted_out", id="opted out"),
    pytest.param("0182", SendStatus.REJECTED, "21999", id="a code that nobody knows"),
]


@pytest.mark.parametrize(("special", "status", "code"), TROUBLE)
def test_trouble_is_a_result_not_an_exception_and_is_met_once(standin, special: str, status: SendStatus, code: str):
    message = submission(f"+1202555{special}")

    (result,) = twilio(standin).submit(message)

    assert (result.status, result.code) == (status, code)
    assert_well_formed(result)
    assert leaks(result, message.to, message.text) == []
    assert (standin.counts()["requests"], standin.counts()["followed"]) == (1, 0)


def test_what_the_phone_may_have_is_never_called_unsent(standin):
    """Only these let policy submit again without asking whether twice is better than never."""
    unsent = {SendStatus.THROTTLED, SendStatus.REFUSED, SendStatus.UNAVAILABLE, SendStatus.NO_ROUTE, SendStatus.ACCOUNT}
    specials = [row.values[0] for row in TROUBLE]
    messages = [submission(f"+1202555{special}", id=special, callback=None) for special in specials]

    results = twilio(standin).submit(*messages)

    taken = {message["to"][-4:] for message in standin.messages() if message["taken"]}
    assert {
        special for special, result in zip(specials, results, strict=True) if result.status in unsent
    } & taken == set()
    assert taken == {"0183", "0193", "0194", "0195", "0196", "0197"}


def test_a_throttled_answer_says_how_long_to_wait_and_the_next_submit_is_taken(standin):
    first, second = twilio(standin).submit(*[submission("+12025550191")] * 2)

    assert (first.status, first.retry_after) == (SendStatus.THROTTLED, timedelta(seconds=1))
    assert second.status is SendStatus.ACCEPTED


def test_nobody_listening_is_surely_unsent(standin):
    (result,) = twilio(standin, port=free_port()).submit(submission())

    assert result == SendResult(status=SendStatus.UNAVAILABLE, code="not_connected")


def test_after_trouble_the_same_provider_goes_on(standin):
    special = ("0193", "0196", "0197", "0194", "0100")

    results = twilio(standin).submit(*(submission(f"+1202555{each}", id=each, callback=None) for each in special))

    assert [result.status for result in results] == [SendStatus.UNKNOWN] * 4 + [SendStatus.ACCEPTED]


def test_the_console_shows_number_and_text_only_when_told_to():
    shown, hidden = io.StringIO(), io.StringIO()

    asyncio.run(Console(shown, show_text=True).submit(submission()))
    asyncio.run(Console(hidden).submit(submission()))

    assert "+12025550100" in shown.getvalue()
    assert TEXT in shown.getvalue()
    assert hidden.getvalue() == f"console: {ID} valid for 90 s\n"


def test_a_text_of_two_lines_is_one_line_of_the_console():
    stream = io.StringIO()

    asyncio.run(Console(stream, show_text=True).submit(submission(text="one\nconsole: forged valid for 1 s")))

    assert stream.getvalue().count("\n") == 1
