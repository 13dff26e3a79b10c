"""Twilio's status callbacks, where they are hostile or spelled otherwise; the plain cases stand in test_twilio.py."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsqueue.core.receipt import Receipt, ReceiptStatus
from workers.providers import twilio_receipts

TOKEN = "12345"
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
PARAMS = (
    ("CallSid", "CA1234567890ABCDE"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
    ("Caller", "+14158675309"),
)
SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="  # Twilio's published example
SID = "SM" + "0123456789abcdef" * 2
TEXT = st.text(st.characters(codec="utf-8"))


def signed(said: str, token: str = TOKEN) -> str:
    """Sign a string that a test spelled out itself, so that the order of its parts is not our code's."""
    return base64.b64encode(hmac.new(token.encode(), said.encode(), hashlib.sha1).digest()).decode()


def genuine(*, url: str = URL, params=PARAMS, signature: str = SIGNATURE, token: str = TOKEN) -> bool:
    return twilio_receipts.verify(url=url, params=params, signature=signature, auth_token=token)


@pytest.mark.parametrize("at", range(len(PARAMS)))
def test_each_parameter_is_signed(at: int):
    name, value = PARAMS[at]

    assert genuine()
    assert not genuine(params=(*PARAMS[:at], (name, value + "0"), *PARAMS[at + 1 :]))
    assert not genuine(params=(*PARAMS[:at], *PARAMS[at + 1 :]))


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"params": (*PARAMS, ("Extra", "1"))}, id="a parameter more"),
        pytest.param({"params": (*PARAMS, ("Digits", "5"))}, id="a second value for a name"),
        pytest.param({"params": ()}, id="no parameters"),
        pytest.param({"token": "12346"}, id="another account's token"),
        pytest.param({"url": URL.replace("myapp", "other")}, id="another path"),
        pytest.param({"url": URL.replace("mycompany", "othercompany")}, id="another host"),
        pytest.param({"url": URL.replace("https", "http")}, id="another scheme"),
        pytest.param({"signature": SIGNATURE[:-1]}, id="a signature cut short"),
        pytest.param({"signature": SIGNATURE.lower()}, id="a signature in lower case"),
        pytest.param({"signature": SIGNATURE + " "}, id="a signature with a space behind it"),
        pytest.param({"signature": "\ud800"}, id="a signature that is no Unicode at all"),
    ],
)
def test_what_differs_in_anything_is_not_genuine(changed):
    assert not genuine(**changed)


@pytest.mark.parametrize(
    ("signed_url", "called_url", "expected"),
    [
        pytest.param("https://a.example/r", "https://a.example:443/r", True, id="we know the port, Twilio left it out"),
        pytest.param("https://a.example:443/r", "https://a.example/r", True, id="Twilio added https's port"),
        pytest.param("http://a.example:80/r", "http://a.example/r", True, id="Twilio added http's port"),
        pytest.param("https://a.example/r", "https://a.example:8443/r", True, id="Twilio left out a port of ours"),
        pytest.param("https://a.example:8443/r", "https://a.example:8443/r", True, id="both know a port of ours"),
        pytest.param("https://a.example:8443/r", "https://a.example/r", False, id="a port that is not ours"),
        pytest.param("https://a.example:80/r", "https://a.example/r", False, id="the other scheme's port"),
        pytest.param("https://A.Example/r", "https://A.Example:443/r", True, id="capitals stay as configured"),
        pytest.param("https://[2001:db8::1]/r", "https://[2001:db8::1]:443/r", True, id="an IPv6 address"),
        pytest.param("https://[2001:db8::1]:443/r", "https://[2001:db8::1]/r", True, id="a port after an IPv6 address"),
    ],
)
def test_the_port_may_be_spelled_or_not(signed_url: str, called_url: str, expected):
    assert genuine(url=called_url, params=(("A", "1"),), signature=signed(signed_url + "A1")) is expected


@pytest.mark.parametrize(
    ("params", "said"),
    [
        pytest.param([("A", n) for n in "3918274650"], "".join(f"A{n}" for n in "0123456789"), id="values are sorted"),
        pytest.param((("A", "1"), ("A", "1")), "A1", id="the same value twice counts once"),
        pytest.param((("b", "1"), ("B", "2"), ("a", "3")), "B2a3b1", id="names sort by code point"),
        pytest.param((("A", ""), ("B", "x")), "ABx", id="an empty value leaves its name"),
        pytest.param((("A", "grüße 🎉"),), "Agrüße 🎉", id="values are signed as UTF-8"),
    ],
)
def test_what_is_signed(params, said: str):
    assert genuine(params=params, signature=signed(URL + said))


@given(token=TEXT.filter(bool), params=st.dictionaries(TEXT.filter(bool), TEXT))
def test_any_callback_signed_with_the_token_is_genuine_and_with_another_is_not(token: str, params: dict[str, str]):
    said = URL + "".join(name + params[name] for name in sorted(params))

    assert genuine(params=tuple(params.items()), signature=signed(said, token), token=token)
    assert not genuine(params=tuple(params.items()), signature=signed(said, token + "x"), token=token)


@given(signature=st.text(), params=st.lists(st.tuples(TEXT, TEXT)))
def test_a_hostile_callback_is_refused_not_raised(signature: str, params):
    assert not genuine(params=params, signature=signature)


WORDS = {
    "accepted": "accepted", "scheduled": "accepted", "queued": "accepted", "sending": "accepted", "sent": "accepted",
    "delivered": "delivered", "read": "delivered",
    "undelivered": "undelivered", "failed": "undelivered", "canceled": "undelivered",
    "partially_delivered": "unknown", "a_word_of_next_year": "unknown", "Delivered": "unknown",
}  # fmt: skip


@pytest.mark.parametrize(("word", "ours"), WORDS.items())
def test_each_word_of_twilios_in_ours(word: str, ours: str):
    receipt = twilio_receipts.read([("MessageSid", SID), ("MessageStatus", word)])

    assert receipt == Receipt(provider_id=SID, status=ReceiptStatus(ours))


@pytest.mark.parametrize("word", ["undelivered", "failed"])
@pytest.mark.parametrize(
    ("code", "ours", "temporary"),
    [
        pytest.param("30008", "unknown", False, id="30008 gives no cause"),
        pytest.param("30410", "unknown", False, id="30410 is a time-out"),
        pytest.param("30003", "undelivered", True, id="30003 is an unreachable handset: it may be on later"),
        pytest.param("30036", "undelivered", True, id="30036 is a validity that ended in the queue"),
        pytest.param("30017", "undelivered", True, id="30017 is a way too busy"),
        pytest.param("30005", "undelivered", False, id="30005 is a number that nobody has"),
        pytest.param("30007", "undelivered", False, id="30007 is a text that carriers filter"),
        pytest.param("39999", "undelivered", False, id="an unknown code leaves it to the word, and is for good"),
    ],
)
def test_a_failures_code_decides_with_its_word(word: str, code: str, ours: str, *, temporary: bool):
    receipt = twilio_receipts.read([("MessageSid", SID), ("MessageStatus", word), ("ErrorCode", code)])

    assert receipt == Receipt(provider_id=SID, status=ReceiptStatus(ours), code=code, temporary=temporary)


def test_what_was_delivered_stays_so_whatever_its_code():
    receipt = twilio_receipts.read([("MessageSid", SID), ("MessageStatus", "delivered"), ("ErrorCode", "30008")])

    assert receipt is not None
    assert (receipt.status, receipt.temporary) == (ReceiptStatus.DELIVERED, False)


@pytest.mark.parametrize("code", ["", "0", "-1", "3e4", "30008 ", "٣٠٠٠٨", "²", "9" * 7, "9" * 5000, "+15005550006"])
def test_a_code_that_is_none_leaves_no_trace(code: str):
    receipt = twilio_receipts.read([("MessageSid", SID), ("MessageStatus", "failed"), ("ErrorCode", code)])

    assert receipt == Receipt(provider_id=SID, status=ReceiptStatus.UNDELIVERED)


@pytest.mark.parametrize(
    "params",
    [
        pytest.param([("MessageStatus", "sent")], id="no sid"),
        pytest.param([("MessageSid", SID), ("MessageStatus", "")], id="an empty word"),
        pytest.param([("MessageSid", SID[:-1]), ("MessageStatus", "sent")], id="a sid too short"),
        pytest.param([("MessageSid", SID + "0"), ("MessageStatus", "sent")], id="a sid too long"),
        pytest.param([("MessageSid", SID + "\n"), ("MessageStatus", "sent")], id="a sid with a line end"),
        pytest.param([("MessageSid", "CA" + SID[2:]), ("MessageStatus", "sent")], id="a call's sid"),
        pytest.param([("MessageSid", "SM" + "g" * 32), ("MessageStatus", "sent")], id="a sid of other letters"),
        pytest.param([("messagesid", SID), ("messagestatus", "sent")], id="names in lower case"),
    ],
)
def test_what_is_malformed_is_refused(params):
    assert twilio_receipts.read(params) is None


@given(st.lists(st.tuples(st.sampled_from(["MessageSid", "MessageStatus", "ErrorCode"]), st.text())))
def test_nothing_in_a_callback_raises(params):
    twilio_receipts.read(params)
