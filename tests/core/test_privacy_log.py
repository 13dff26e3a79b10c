"""The log: whatever a record holds, no number, text or key comes out of it."""

from __future__ import annotations

import io
import json
import logging
import re
import subprocess
import sys
import threading
import warnings
from typing import Any

import pytest
from pydantic import BaseModel

from smsqueue.core.states import Reason, State
from smsqueue.errors import SealError, StoreUnavailable
from smsqueue.privacy import log
from smsqueue.privacy.log import AllowList, EventName, Outcome, allow, configure, event, outcomes

NUMBER = "+9001234567890"
DIGITS = NUMBER[1:]
TEXT = "QZXCANARY your code is 771234"
SECRETS = (DIGITS, DIGITS[:7], "QZXCANARY", "771234")
ID = "00AbCdEfGhIjKlMnOp"


def leaks(line: str) -> list[str]:
    return [secret for secret in SECRETS if secret in line]


def record(
    name: str = "celery.worker.consumer.consumer", msg: Any = TEXT, args: Any = (), **extra
) -> logging.LogRecord:
    given = {
        "level": logging.ERROR,
        "fn": f"/srv/{NUMBER}/{TEXT}.py",
        "lno": 7,
        "exc_info": None,
        **extra.pop("at", {}),
    }
    made = logging.getLogger(name).makeRecord(
        name, given["level"], given["fn"], given["lno"], msg, args, given["exc_info"], func=TEXT, extra=extra or None
    )
    made.threadName = made.processName = NUMBER
    return made


def caught(raiser) -> tuple:
    try:
        raiser()
    except BaseException:  # noqa: BLE001 - whatever it is, it goes into a record
        return sys.exc_info()
    raise AssertionError("it has to raise")


def redis_error():
    import redis  # noqa: PLC0415 - only this record needs it

    raise redis.ResponseError(f"WRONGTYPE args were: SET m:{NUMBER} {TEXT}")


def validation_error():
    class Form(BaseModel):
        to: int

    Form(to=TEXT + NUMBER)


def named_after_a_number():
    raise type(f"E{DIGITS}", (Exception,), {})(TEXT)


def named_like_one_of_ours():
    raise type(f"E{DIGITS}", (Exception,), {"__module__": "smsqueue.errors"})(TEXT)


def chained():
    try:
        redis_error()
    except Exception as error:
        raise StoreUnavailable(TEXT) from error


def with_notes():
    error = ValueError(TEXT)
    error.add_note(NUMBER)
    raise error


def of_a_group():
    raise ExceptionGroup(TEXT, [ValueError(NUMBER), KeyError(TEXT)])


def with_a_hostile_repr():
    class Hostile(Exception):  # noqa: N818 - it is what it is
        def __str__(self) -> str:
            raise RuntimeError(TEXT)

        __repr__ = __str__

    raise Hostile


def from_code_named_after_a_number():
    exec(compile("raise ValueError(secret)", f"/srv/workers/{DIGITS}.py", "exec"), {"secret": TEXT})


class Shouting:
    """An argument that shows a number however it is rendered."""

    def __str__(self) -> str:
        return NUMBER

    __repr__ = __str__

    def __format__(self, _: str) -> str:
        return NUMBER


UNKNOWN_TASK = (
    "Received unregistered task of type %s.\nThe full contents of the message body was:\n%s\n"
    "Full headers: %s. The delivery info for this task is: %s"
)
BODY = {"args": [NUMBER, TEXT], "kwargs": {}}

HOSTILE = [
    pytest.param(
        lambda: record(msg=UNKNOWN_TASK, args=("send", BODY, {"argsrepr": TEXT}, {}), at={"lno": 9}),
        id="Celery tells the body of a task it does not know",
    ),
    pytest.param(
        lambda: record(msg=TEXT, args=(), data={"id": NUMBER, "args": TEXT}), id="Celery puts arguments into extra"
    ),
    pytest.param(
        lambda: record(
            "celery.app.trace", "Task %(name)s[%(id)s] %(args)s", ({"name": NUMBER, "id": 1, "args": TEXT},)
        ),
        id="Celery traces a task with its arguments",
    ),
    pytest.param(
        lambda: record(
            "uvicorn.access", '%s - "%s %s HTTP/%s" %d', ("1.2.3.4:5", "GET", f"/r?to={NUMBER}&t={TEXT}", "1.1", 200)
        ),
        id="Uvicorn tells the path of a request",
    ),
    pytest.param(lambda: record("redis", "failed", at={"exc_info": caught(redis_error)}, hint=TEXT), id="redis-py"),
    pytest.param(lambda: record("workers", "bad", at={"exc_info": caught(validation_error)}), id="pydantic"),
    pytest.param(lambda: record("workers", "x", at={"exc_info": caught(chained)}), id="an error and its cause"),
    pytest.param(lambda: record("workers", "x", at={"exc_info": caught(with_notes)}), id="an error with notes"),
    pytest.param(lambda: record("workers", "x", at={"exc_info": caught(of_a_group)}), id="a group of errors"),
    pytest.param(
        lambda: record("workers", "x", at={"exc_info": caught(named_after_a_number)}), id="an error named by a number"
    ),
    pytest.param(
        lambda: record("workers", "x", at={"exc_info": caught(from_code_named_after_a_number)}),
        id="a file named by a number",
    ),
    pytest.param(lambda: record("py.warnings", "%s", (f"m.py:1: UserWarning: {TEXT}",)), id="a warning"),
    pytest.param(lambda: record(NUMBER, "x"), id="a logger named by a number"),
    pytest.param(lambda: record(f"celery.{NUMBER}", "x"), id="a logger of a library, named by a number"),
    pytest.param(lambda: record("workers", "%s", (Shouting(),)), id="an argument that shouts"),
    pytest.param(lambda: record("workers", Shouting(), ()), id="a message that shouts"),
    pytest.param(lambda: record("workers", b"%s" + TEXT.encode(), ()), id="bytes"),
    pytest.param(lambda: record("workers", "x", (), smsqueue=(TEXT, {"id": NUMBER})), id="our own extra, forged"),
    pytest.param(lambda: record("workers", "x", (), smsqueue=TEXT), id="our own extra, a string"),
    pytest.param(lambda: record("workers", "x", (), stack_info_=TEXT), id="something in the record's dictionary"),
]


@pytest.fixture(scope="module", autouse=True)
def _vocabularies():
    """Give back what these tests register."""
    before = dict(log._vocabularies)
    allow("category", ["service"])
    allow("lane", ["service"])
    allow("provider", ["twilio"])
    yield
    log._vocabularies.clear()
    log._vocabularies.update(before)
    log.dropped.clear()


@pytest.fixture
def stream():
    """Configure logging, all of it, and put everything back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook, logging.raiseExceptions
    made = io.StringIO()
    configure(role="lab", stream=made)
    yield made
    logging.captureWarnings(False)  # noqa: FBT003 - its only argument
    root.handlers[:] = handlers
    root.setLevel(level)
    sys.excepthook, threading.excepthook, sys.unraisablehook, logging.raiseExceptions = hooks
    log._stream, log._role = sys.stderr, "cli"


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


# --- records of others ------------------------------------------------------------------------


@pytest.mark.parametrize("make", HOSTILE)
def test_nothing_of_a_hostile_record_comes_out(make):
    shown = AllowList().format(make())

    assert leaks(shown) == []
    assert set(json.loads(shown)) <= {"event", "at", "role", "level", "src", "error", "where"}
    assert "\n" not in shown


@pytest.mark.parametrize("make", HOSTILE)
def test_a_plain_formatter_would_leak_it(make):
    hostile = make()
    usual = vars(logging.makeLogRecord({}))
    extra = {key: value for key, value in vars(hostile).items() if key not in {*usual, "message"}}

    shown = logging.Formatter("%(asctime)s %(name)s %(message)s").format(hostile) + str(extra)

    assert leaks(shown)


def test_an_error_is_reduced_to_its_type_and_the_places_it_passed():
    shown = json.loads(AllowList().format(record("workers.engine", "x", at={"exc_info": caught(redis_error)})))

    assert shown["error"] == "ResponseError"
    assert all(re.fullmatch(r"elsewhere|[a-z_.0-9]+:\d+", place) for place in shown["where"])


@pytest.mark.parametrize(
    ("raiser", "name"),
    [
        pytest.param(named_after_a_number, "other", id="a class made at run time"),
        pytest.param(named_like_one_of_ours, "other", id="a class that claims to be ours"),
        pytest.param(validation_error, "other", id="a class of another library"),
        pytest.param(with_notes, "ValueError", id="a builtin"),
        pytest.param(chained, "StoreUnavailable", id="one of ours"),
        pytest.param(with_a_hostile_repr, "other", id="one that cannot even be shown"),
    ],
)
def test_only_known_types_of_errors_are_named(raiser, name):
    shown = AllowList().format(record("workers", "x", at={"exc_info": caught(raiser)}))

    assert json.loads(shown)["error"] == name
    assert leaks(shown) == []


def test_a_record_of_a_library_says_where_it_came_from():
    path = "/usr/lib/python3/site-packages/celery/worker/consumer/consumer.py"

    shown = json.loads(AllowList().format(record(at={"fn": path, "lno": 614})))

    assert (shown["event"], shown["src"]) == ("lib.celery", "celery.worker.consumer.consumer:614")


# --- our own events ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        pytest.param({"id": ID}, {"id": ID}, id="an id"),
        pytest.param({"id": NUMBER}, {"id": "other"}, id="a number for an id"),
        pytest.param({"id": "00" + "1234567890123456"}, {"id": "other"}, id="digits in the form of an id"),
        pytest.param({"id": "00900123456789012-"}, {"id": "other"}, id="digits and a dash in the form of an id"),
        pytest.param({"id": 9001234567890}, {"id": "other"}, id="a number for an id, not even a string"),
        pytest.param({"provider": "twilio"}, {"provider": "twilio"}, id="a provider"),
        pytest.param({"provider": DIGITS}, {"provider": "other"}, id="a number for a provider"),
        pytest.param({"provider": 9001234567890}, {"provider": "other"}, id="a number, not even a string"),
        pytest.param({"category": TEXT}, {"category": "other"}, id="a text for a category"),
        pytest.param({"lane": [NUMBER]}, {"lane": "other"}, id="a list for a lane"),
        pytest.param({"state": State.HELD}, {"state": "held"}, id="a state"),
        pytest.param({"state": NUMBER}, {"state": "other"}, id="a number for a state"),
        pytest.param({"reason": Reason.CLOCK}, {"reason": "clock"}, id="a reason"),
        pytest.param({"attempt": 2}, {"attempt": 2}, id="an attempt"),
        pytest.param({"attempt": 9001234}, {"attempt": -1}, id="a number for an attempt"),
        pytest.param({"attempt": DIGITS}, {"attempt": -1}, id="a number as a string for an attempt"),
        pytest.param({"attempt": -9001234}, {"attempt": -1}, id="a negative number"),
        pytest.param({"attempt": 9001234.5}, {"attempt": -1}, id="a number with a fraction"),
        pytest.param({"count": 9001234567890}, {"count": -1}, id="a number for a count"),
        pytest.param({"ms": 9001234567890}, {"ms": -1}, id="a number for a duration"),
        pytest.param({"http": 503}, {"http": 503}, id="an HTTP status"),
        pytest.param({"http": 9001234}, {"http": -1}, id="a number for an HTTP status"),
        pytest.param({"to": NUMBER}, {}, id="a field that nobody knows"),
        pytest.param({NUMBER: 1}, {}, id="a field named by a number"),
        pytest.param({"event": NUMBER, "at": TEXT}, {}, id="fields of the line itself"),
    ],
)
def test_fields_are_allowed_by_value(stream, fields, shown):
    log.dropped.clear()

    event(logging.getLogger("smsqueue.test"), logging.INFO, EventName.WORKER_READY, **fields)

    (line,) = lines(stream)
    assert leaks(stream.getvalue()) == []
    assert line.pop("event") == "worker.ready"
    assert {key: value for key, value in line.items() if key not in {"at", "role", "level"}} == shown
    assert set(log.dropped) == (set() if shown else set(fields))


class Counting(int):
    """An integer that prints itself as a number."""

    def __repr__(self) -> str:
        return DIGITS

    __str__ = __repr__


def test_an_integer_that_prints_something_else_is_shown_as_the_integer_it_is(stream):
    event(logging.getLogger("smsqueue.test"), logging.INFO, EventName.WORKER_READY, attempt=Counting(1))

    assert lines(stream)[0]["attempt"] == 1


def test_an_event_shows_an_error_without_its_text(stream):
    error = caught(lambda: (_ for _ in ()).throw(SealError(TEXT)))[1]

    event(logging.getLogger("smsqueue.test"), logging.ERROR, EventName.ENGINE_FAILED, id=ID, error=error)

    (line,) = lines(stream)
    assert (line["event"], line["error"], line["id"], line["level"]) == ("engine.failed", "SealError", ID, "ERROR")
    assert leaks(stream.getvalue()) == []


def test_an_event_shows_the_error_that_is_being_handled(stream):
    try:
        redis_error()
    except Exception:
        logging.getLogger("smsqueue.test").exception(TEXT)

    (line,) = lines(stream)
    assert line["error"] == "ResponseError"
    assert leaks(stream.getvalue()) == []


# --- outcomes ---------------------------------------------------------------------------------

DONE = Outcome(ID, "submitted", "none", "service", "twilio", 1, 7, 1_795_450_000_123)


def test_outcomes_are_one_line_each(stream):
    outcomes([DONE, DONE._replace(state="held", reason="retry"), DONE._replace(provider="")])

    shown = lines(stream)

    assert shown[0] == {
        "event": "message.submitted",
        "at": "2026-11-23T16:06:40.123+00:00",
        "role": "lab",
        "id": ID,
        "reason": "none",
        "category": "service",
        "provider": "twilio",
        "attempt": 1,
        "policy": 7,
    }
    assert [line["event"] for line in shown] == ["message.submitted", "message.held", "message.submitted"]
    assert stream.getvalue().count("\n") == 3


@pytest.mark.parametrize("field", ["id", "state", "reason", "category", "provider"])
@pytest.mark.parametrize("value", [NUMBER, DIGITS, TEXT, '"}\n{"', "001234567890123456"])
def test_an_outcome_of_another_vocabulary_is_shown_as_other(stream, field, value):
    outcomes([DONE._replace(**{field: value})])

    (line,) = lines(stream)
    assert leaks(stream.getvalue()) == []
    assert (line["event"] if field == "state" else line[field]) in {"other", "message.other"}


def test_no_outcomes_are_no_lines(stream):
    outcomes([])

    assert stream.getvalue() == ""


# --- every way into the log -------------------------------------------------------------------


def test_a_warning_goes_through_the_list(stream):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)  # noqa: FBT003 - its only argument; pytest's own hook came before
        warnings.warn(TEXT + NUMBER, stacklevel=1)
        logging.captureWarnings(False)  # noqa: FBT003 - its only argument

    assert leaks(stream.getvalue()) == []


def test_handlers_of_libraries_are_taken_away():
    library = logging.getLogger("celery.of.a.test")
    library.addHandler(logging.StreamHandler(io.StringIO()))
    library.propagate = False
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook, logging.raiseExceptions
    made = io.StringIO()

    try:
        configure(role="lab", stream=made)
        library.error("%s", TEXT)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        sys.excepthook, threading.excepthook, sys.unraisablehook, logging.raiseExceptions = hooks
        logging.captureWarnings(False)  # noqa: FBT003 - its only argument

    assert library.handlers == []
    assert lines(made)[0]["event"] == "lib.celery"


def test_a_role_is_one_of_a_closed_list():
    with pytest.raises(ValueError, match="a role is one of"):
        configure(role=DIGITS)


PROGRAM = f"""
import gc, logging, sys, threading, warnings
from smsqueue.privacy.log import configure

configure(role="lab")


class Leaking:
    def __del__(self):
        raise ValueError({TEXT!r})


warnings.warn({NUMBER!r})
Leaking()
thread = threading.Thread(target=lambda: int({TEXT!r}))
thread.start()
thread.join()
logging.getLogger("redis").error("%s %d", {TEXT!r}, {NUMBER!r})
int({NUMBER!r} + {TEXT!r})
"""


def test_a_process_that_ends_by_an_error_leaks_nothing():
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=30)

    assert ended.returncode == 1
    assert leaks(ended.stdout + ended.stderr) == []
    shown = [json.loads(line) for line in ended.stderr.splitlines()]
    assert len(shown) == 5
    assert [line.get("error") for line in shown] == [None, "ValueError", "ValueError", None, "ValueError"]
