"""Logging by allow-list: what must not leak has no way in.

A line is built from closed vocabularies and ranged numbers; nothing else is ever rendered. A record of a
library (Celery logs the body of a message it cannot read, redis-py the arguments of a command) is reduced to
where it came from. An exception is reduced to its type and the places it passed. There is no text to redact.

A shape is no permission: a number fits most patterns. So names are looked up in vocabularies, those of the
policy being registered at start (`allow`), and an id has to have the 18 characters of ours, not all digits.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import threading
import traceback
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from smsqueue.core import identity
from smsqueue.core.states import Reason, State

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable, Mapping
    from types import TracebackType

ROLES = frozenset({"dispatch", "submit", "web", "cli", "flower", "lab"})


class EventName(StrEnum):
    """Everything there is to say besides what became of a message."""

    WORKER_STARTED = "worker.started"
    WORKER_READY = "worker.ready"  # it reads its queues
    PUMP_FAILED = "pump.failed"  # the store or the broker is away; it tries again
    PUMP_RECOVERED = "pump.recovered"
    DISPATCH_FAILED = "dispatch.failed"  # a bug with one message; it is looked at again
    ENGINE_FAILED = "engine.failed"  # a bug with one message or chunk; it is looked at again
    STORE_UNAVAILABLE = "store.unavailable"
    SETTLE_LOST = "settle.lost"  # an answer that could not be written in many rounds
    LEASE_LOST = "lease.lost"  # too little of a lease was left to start a call
    CLOCK_SKEWED = "clock.skewed"  # this machine's clock and the server's differ
    POISON_FAILED = "poison.failed"  # messages that came back again and again were given up
    PROVIDER_AILING = "provider.ailing"  # its calls end badly, one after the other: it is only probed
    PROVIDER_WELL = "provider.well"  # a probe ended well
    RECEIPT_REFUSED = "receipt.refused"  # not genuine, or not readable
    RECEIPT_UNKNOWN = "receipt.unknown"  # genuine, for nothing that we know
    WORKER_ENDED = "worker.ended"  # something in its queue ended it
    WORKER_RENEWED = "worker.renewed"  # a new policy has a lane or provider that it does not know: it starts again
    WORKER_RESTARTED = "worker.restarted"  # after something in its queue ended it


class Outcome(NamedTuple):
    """What became of a message, as it is logged."""

    id: str
    state: str
    reason: str
    category: str
    provider: str
    attempt: int
    policy: int
    at_ms: int


_vocabularies: dict[str, frozenset[str]] = {
    "state": frozenset(State),
    "reason": frozenset(Reason),
    "category": frozenset(),
    "lane": frozenset(),
    "provider": frozenset({""}),
    "sender": frozenset(),
}
_RANGES = {"count": 10**9, "attempt": 1000, "http": 599, "ms": 10**9}
_LIBRARIES = frozenset(
    {
        "asyncio", "billiard", "celery", "concurrent", "config", "flower", "h11", "kombu", "lab", "py", "pyreqwest",
        "redis", "smsqueue", "starlette", "tornado", "uvicorn", "vine", "workers",
    }
)  # fmt: skip
_EXCEPTIONS = frozenset({"builtins", "redis.exceptions", "kombu.exceptions", "celery.exceptions", "smsqueue.errors"})
_FRAMES = 6
_CHATTY = ("celery.worker.strategy", "celery.app.trace", "celery.apps.worker", "celery.worker.consumer")
"""Lines for each task that say nothing here but that there was one; shown at DEBUG."""
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_LETTER = re.compile(r"[A-Za-z]")

dropped: dict[str, int] = {}
"""Fields that were given to `event` and are not known: a mistake to be found by tests."""

seen: dict[EventName, int] = {}
"""How often each event happened in this process, logged or not: for counters."""

_stream: TextIO = sys.stderr
_role = "cli"
_outcome_logger = logging.getLogger("smsqueue.outcome")


def allow(field: str, names: Iterable[str]) -> None:
    """Register the names that a field may show, besides the empty one; any other is shown as `other`."""
    _vocabularies[field] = frozenset({*names, ""})


def configure(*, role: str, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Make the allow-list the only way to the log, for our records and for everybody else's."""
    global _stream, _role
    if role not in ROLES:
        raise ValueError("a role is one of " + ", ".join(sorted(ROLES)))
    _role, _stream = role, stream or sys.stderr
    handler = logging.StreamHandler(_stream)
    handler.setFormatter(AllowList())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        logger.handlers[:] = []
        logger.propagate = True
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING) if level > logging.DEBUG else level)
    logging.raiseExceptions = False  # a handler that fails prints the record's arguments
    logging.captureWarnings(True)  # noqa: FBT003 - its only argument
    sys.excepthook = _uncaught
    threading.excepthook = lambda hook: _uncaught(hook.exc_type, hook.exc_value, hook.exc_traceback)
    sys.unraisablehook = lambda hook: _uncaught(hook.exc_type, hook.exc_value, hook.exc_traceback)


def pid() -> int:
    """Return this process's number, for names of workers."""
    return os.getpid()


def event(logger: logging.Logger, level: int, name: EventName, **fields: Any) -> None:
    """Log one of the known events. `error` is an exception: its type and places are shown, never its text."""
    seen[name] = seen.get(name, 0) + 1
    if logger.isEnabledFor(level):
        logger.log(level, "%s", name, extra={"smsqueue": (name, fields)})


def outcomes(lines: Iterable[Outcome]) -> None:
    """Log what became of messages: one line each, one write for all."""
    if not _outcome_logger.isEnabledFor(logging.INFO):
        return
    states, reasons = _vocabularies["state"], _vocabularies["reason"]
    categories, providers = _vocabularies["category"], _vocabularies["provider"]
    text = "".join(
        [
            f'{{"event":"message.{state if state in states else "other"}",'
            f'"at":"{_instant_ms(at_ms)}","role":"{_role}",'
            f'"id":"{id if _is_id(id) else "other"}",'
            f'"reason":"{reason if reason in reasons else "other"}",'
            f'"category":"{category if category in categories else "other"}",'
            f'"provider":"{provider if provider in providers else "other"}",'
            f'"attempt":{attempt:d},"policy":{policy:d}}}\n'
            for id, state, reason, category, provider, attempt, policy, at_ms in lines
        ]
    )
    if text:
        _write(text)


def asyncio_handler(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Take an event loop's complaints: `loop.set_exception_handler(asyncio_handler)`."""
    logging.getLogger("asyncio").error("", exc_info=context.get("exception"))


class AllowList(logging.Formatter):
    """Renders a record as one JSON object of allowed fields. Never touches msg, args or extra of others."""

    def format(self, record: logging.LogRecord) -> str:
        """Render one record."""
        line: dict[str, Any] = {"event": "", "at": _instant(record.created), "role": _role}
        line["level"] = record.levelname if record.levelname in _LEVELS else "other"
        ours = getattr(record, "smsqueue", None)
        error: BaseException | None = record.exc_info[1] if record.exc_info else None
        if isinstance(ours, tuple) and isinstance(ours[0], EventName):
            line["event"] = ours[0].value
            given = dict(ours[1])
            error = given.pop("error", None) or error
            line |= _allowed(given)
        else:
            package = record.name.partition(".")[0]
            line["event"] = f"lib.{package}" if package in _LIBRARIES else "lib.other"
            line["src"] = _place(record.pathname, record.lineno)
        if error is not None:
            line["error"] = _type(error)
            line["where"] = _places(error)
        return json.dumps(line, separators=(",", ":"))


_LEVELS = frozenset({"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"})


def _allowed(given: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for field, value in given.items():
        if field == "id":
            shown[field] = value if _is_id(value) else "other"
        elif field in _vocabularies:
            shown[field] = str(value) if isinstance(value, str) and value in _vocabularies[field] else "other"
        elif field in _RANGES:
            inside = isinstance(value, int) and 0 <= value <= _RANGES[field]
            shown[field] = value if inside else -1
        else:
            dropped[field] = dropped.get(field, 0) + 1
    return shown


def _is_id(value: object) -> bool:
    return identity.is_id(value) and _LETTER.search(str(value), 2) is not None


def _type(error: BaseException) -> str:
    kind = type(error)
    known = kind.__module__ in _EXCEPTIONS and getattr(sys.modules.get(kind.__module__), kind.__name__, None) is kind
    return kind.__name__ if known else "other"  # a class can be made with any name, in any module's


def _places(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return [_place(frame.filename, frame.lineno or 0) for frame in frames]


def _place(path: str, line: int) -> str:
    """Return `package.module:line` of a known package, else only that it was elsewhere."""
    parts = PurePath(path).with_suffix("").parts
    for at in range(len(parts) - 1, -1, -1):
        if parts[at] in _LIBRARIES and all(_NAME.fullmatch(part) for part in parts[at:]):
            return f"{'.'.join(parts[at:])}:{line}"
    return "elsewhere"


def _instant(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


@lru_cache(maxsize=16)
def _instant_ms(at: int) -> str:
    return _instant(at / 1000)  # a batch shares its instant


def _write(text: str) -> None:
    handler = logging.getLogger().handlers[0] if logging.getLogger().handlers else None
    if not isinstance(handler, logging.StreamHandler):
        return
    with handler.lock or threading.RLock():
        handler.stream.write(text)
        handler.flush()


def _uncaught(kind: type[BaseException], error: BaseException | None, where: TracebackType | None) -> None:
    info = (kind, error or kind(), where)
    logging.getLogger("smsqueue.uncaught").critical("", exc_info=info)
