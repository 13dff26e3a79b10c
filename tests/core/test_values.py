"""What every value of core has in common: nobody changes it afterwards, and what it must not show it does not."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import tomllib
from enum import StrEnum
from pathlib import Path

import pytest

from smsqueue import core
from smsqueue.core import identity
from smsqueue.core.envelope import Attempt
from smsqueue.core.facts import CLEAR
from smsqueue.core.message import Message
from smsqueue.core.payload import Payload
from smsqueue.core.receipt import Receipt, ReceiptStatus
from smsqueue.core.submission import Capabilities, SendResult, SendStatus, Submission
from smsqueue.core.timing import Hold

ROOT = Path(__file__).parents[2]


def modules():
    return [importlib.import_module(found.name) for found in pkgutil.walk_packages(core.__path__, "smsqueue.core.")]


VALUES = sorted(
    {
        made
        for module in modules()
        for made in vars(module).values()
        if isinstance(made, type) and dataclasses.is_dataclass(made) and made.__module__ == module.__name__
    },
    key=lambda made: (made.__module__, made.__name__),
)


@pytest.mark.parametrize("made", [pytest.param(made, id=f"{made.__module__}.{made.__name__}") for made in VALUES])
def test_a_value_cannot_be_changed(made):
    assert made.__dataclass_params__.frozen
    assert "__slots__" in vars(made)


WORDS = sorted(
    {
        made
        for module in modules()
        for made in vars(module).values()
        if isinstance(made, type) and issubclass(made, StrEnum) and made is not StrEnum
    },
    key=lambda made: made.__name__,
)


@pytest.mark.parametrize("made", WORDS)
def test_a_word_is_stored_logged_and_counted_as_it_is_named(made):
    assert [member.value for member in made] == [member.name.lower() for member in made]


def test_every_module_of_core_has_tests_that_answer_for_its_mutants():
    suites = tomllib.loads((ROOT / "lab/mutants/suites.toml").read_text("utf-8"))
    core = ROOT / "smsqueue/core"

    assert {str(path.relative_to(core).with_suffix("")) for path in core.rglob("*.py")} - {
        "__init__",
        "rules/__init__",
    } == (suites.keys())
    assert all((ROOT / f"tests/core/test_{name}.py").exists() for names in suites.values() for name in names)


@pytest.mark.parametrize("made", [Capabilities, Message, Payload, SendResult, Submission])
def test_values_of_many_fields_are_made_by_name(made):
    assert all(field.kw_only for field in dataclasses.fields(made))


@pytest.mark.parametrize(
    ("made", "shown"),
    [
        pytest.param(
            Message,
            {"category", "sender", "not_before", "deadline", "validity", "event_at", "campaign", "tenant"}
            | {"region", "timezone", "smart_encoding"},
            id="a message shows neither number, text, keys nor metadata",
        ),
        pytest.param(Payload, set(), id="a payload shows nothing"),
        pytest.param(Submission, {"id", "fence", "valid_for"}, id="a submission shows neither number, text nor sender"),
    ],
)
def test_what_names_people_is_not_shown(made, shown):
    assert {field.name for field in dataclasses.fields(made) if field.repr} == shown


def test_a_message_says_nothing_that_its_producer_did_not_say():
    message = Message(to="+447700900123", text="Hello.", category="otp")

    said = {"to": "+447700900123", "text": "Hello.", "category": "otp"}
    nothing = {"not_before": None, "deadline": None, "validity": None, "event_at": None, "metadata": {}}
    nothing["smart_encoding"] = False
    words = dict.fromkeys(
        ("sender", "idempotency_key", "supersede_key", "campaign", "tenant", "region", "timezone"), ""
    )
    assert {field.name: getattr(message, field.name) for field in dataclasses.fields(message)} == {
        **said,
        **nothing,
        **words,
    }


def test_a_message_does_not_share_its_metadata_with_another():
    one, other = (Message(to="+447700900123", text="Hello.", category="otp") for _ in range(2))

    assert one.metadata is not other.metadata


def test_nothing_is_known_of_an_attempt_before_its_answer():
    assert Attempt("fence", "first", "") == Attempt(fence="fence", provider="first", result="", code="", provider_id="")
    assert SendResult(status=SendStatus.ACCEPTED) == SendResult(
        status=SendStatus.ACCEPTED, provider_id="", code="", retry_after=None
    )


def test_nothing_is_paused_when_nobody_paused_it():
    assert (CLEAR.paused, CLEAR.withdrawn, CLEAR.paused_providers) == (False, False, frozenset())


def test_a_provider_asks_nobody_unless_it_says_so():
    plain = {"shortest": 1, "longest": 2, "reaches_carrier": False, "deduplicates": False}

    assert Capabilities(**plain).looks_up is False


def test_a_hold_of_timing_is_only_an_instant():
    assert [field.name for field in dataclasses.fields(Hold)] == ["until"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("00AbCdEfGhIjKlMnOp", True, id="letters"),
        pytest.param("00-_0123456789azAZ", True, id="everything URL-safe"),
        pytest.param("00AbCdEfGhIjKlMnO", False, id="one short"),
        pytest.param("00AbCdEfGhIjKlMnOpQ", False, id="one long"),
        pytest.param("00AbCdEfGhIjKlMnO.", False, id="another sign"),
        pytest.param("00AbCdEfGhIjKlMnOp\n", False, id="a line end behind it"),
        pytest.param(b"00AbCdEfGhIjKlMnOp", False, id="bytes"),
        pytest.param(None, False, id="nothing"),
    ],
)
def test_an_id_is_known_by_its_form(value, expected):
    assert identity.is_id(value) is expected


def test_one_shard_has_one_bucket():
    assert identity.BUCKET == "00"


def test_a_receipt_says_nothing_that_it_was_not_told():
    bare = Receipt(provider_id="x", status=ReceiptStatus.DELIVERED)

    assert (bare.code, bare.temporary) == ("", False)
    with pytest.raises(TypeError):
        Receipt("x", ReceiptStatus.DELIVERED)
