"""What producers import: accept messages, ask what became of them, withdraw them."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from smsqueue.admission import Admitted, admit
from smsqueue.core.states import Reason, State
from smsqueue.errors import AcceptanceUnknown, InvalidMessage, StoreBehind, StoreUnavailable
from smsqueue.inquiry import Inquiry, checked, from_environment
from smsqueue.keyring import Keyring
from smsqueue.store.shards import UNKNOWN
from smsqueue.store.store import CALL_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from smsqueue.core.message import Message


class Accepted(NamedTuple):
    """A message that is on the server's disk. `until` is None when it goes at once."""

    id: str
    state: State
    segments: int
    until: datetime | None
    reason: Reason
    repeated: bool  # it was accepted before: nothing was stored now
    replicated: bool = True  # as many replicas have it as SMSQUEUE_REPLICAS asks for; else the primary alone


class Refused(NamedTuple):
    """A message that was not stored, and why. `place` counts the messages of the call from 0."""

    place: int
    field: str
    rule: str
    sentence: str


Result: TypeAlias = Accepted | Refused


class Client(Inquiry):
    """Enqueues messages. Safe to share among threads, and to use after a fork.

    `Client()` reads SMSQUEUE_REDIS_URL, SMSQUEUE_KEYRING_FILE and SMSQUEUE_SUBJECT_FILE; SMSQUEUE_SHARDS and
    SMSQUEUE_REPLICAS if they are set. Raises Misconfigured when one of them is missing or unusable, and on first use
    when the server would lose messages.
    """

    def __init__(
        self,
        redis_url: str | None = None,
        *,
        keyring: Keyring | None = None,
        timeout: float = 5.0,
        replicas: int | None = None,
        shards: int | None = None,
    ) -> None:
        self._keyring = keyring or keyring_from_environment()
        super().__init__(redis_url, role="client", timeout=timeout, replicas=replicas, shards=shards)

    def send(self, message: Message, *, id: str = "") -> Accepted:
        """Accept one message.

        Raises InvalidMessage when it is refused, StoreUnavailable when the store could not be asked,
        AcceptanceUnknown when its answer was lost: send again with the error's id.
        """
        item = self._admit((message,), (id,), first=0)[0]
        lost = False
        try:
            result = item if isinstance(item, Refused) else _result(item, *self._accept((item,))[0], 0)
        except StoreBehind:
            raise  # it did nothing
        except StoreUnavailable:
            lost = True
        if lost:
            raise AcceptanceUnknown(["" if isinstance(item, Refused) else item.entry.envelope.id])
        if isinstance(result, Refused):
            raise InvalidMessage(result.field, result.rule, result.sentence)
        return result

    def send_many(
        self,
        messages: Iterable[Message],
        *,
        ids: Sequence[str] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> list[Result]:
        """Accept many messages: the bad ones come back as Refused, the good ones are accepted.

        Answers come in the order of the messages. `progress` is told after each step how many are done.
        Raises AcceptanceUnknown when an answer was lost; its ids are those of all messages so far, in order:
        calling again with the same messages and these ids is safe. Of several shards one that does not answer costs
        its own messages only: the others are accepted, to the end, before that is raised.
        """
        results: list[Result] = []
        made: list[str] = []
        lost = False
        workers = len(self._store.shards)
        with ThreadPoolExecutor(workers) as waiting:  # while the store takes one batch, the next is sealed
            under_way: list[_Batch] = []
            try:
                for messages_ in _batches(messages):
                    given = ids[len(made) : len(made) + len(messages_)] if ids else ()
                    batch = self._admit(messages_, given, first=len(made))
                    made += ["" if isinstance(item, Refused) else item.entry.envelope.id for item in batch]
                    under_way.append(_Batch(batch, waiting.submit(self._accept, batch)))
                    if len(under_way) > workers:
                        lost |= under_way[0].in_doubt
                        results += under_way.pop(0).results(len(results))
                        _tell(progress, len(results))
                for batch_ in under_way:
                    lost |= batch_.in_doubt
                    results += batch_.results(len(results))
                    _tell(progress, len(results))
            except StoreUnavailable as error:
                # nothing was asked of the store that it could have done
                if not made or (isinstance(error, StoreBehind) and not results):
                    raise
                lost = True
        if lost:
            raise AcceptanceUnknown(made)
        return results

    def plan_many(self, messages: Iterable[Message]) -> list[Result]:
        """Say what would become of messages, and store nothing."""
        results: list[Result] = []
        for batch in _batches(messages):
            for item in self._admit(batch, (), first=len(results)):
                planned = item if isinstance(item, Refused) else _result(item, "new", item.entry.envelope.state, 0)
                results.append(planned)
        return results

    def _accept(self, batch: Sequence[Admitted | Refused]) -> list[tuple[str, str]]:
        entries = [item.entry for item in batch if isinstance(item, Admitted)]
        return self._store.accept(entries, retention=self._store.policies.current.retention) if entries else []

    def _admit(self, batch: Sequence[Message], ids: Sequence[str], *, first: int) -> list[Admitted | Refused]:
        policy, now = self._prepare()
        admitted: list[Admitted | Refused] = []
        for index, message in enumerate(batch):
            id = ids[index] if index < len(ids) else ""
            try:
                if id:
                    checked([id])
                admitted.append(
                    admit(message, policy=policy, keyring=self._keyring, now=now, id=id, shards=len(self._store.shards))
                )
            except InvalidMessage as error:
                sentence = str(error).removeprefix(f"{error.field}: ")
                admitted.append(Refused(first + index, error.field, error.rule, sentence))
        return admitted


class _Batch(NamedTuple):
    """Messages that the store was asked to accept."""

    items: Sequence[Admitted | Refused]
    answers: Future[list[tuple[str, str]]]

    @property
    def in_doubt(self) -> bool:
        """Wait for the store; whether it left out an answer."""
        return UNKNOWN in self.answers.result()

    def results(self, first: int) -> Iterator[Result]:
        """Wait for the store; yield a result per message."""
        answers = iter(self.answers.result())
        return (
            item if isinstance(item, Refused) else _result(item, *next(answers), first + at)
            for at, item in enumerate(self.items)
        )


def _tell(progress: Callable[[int], None] | None, done: int) -> None:
    if progress is not None:
        progress(done)


def _result(item: Admitted, code: str, state: str, index: int) -> Result:
    envelope = item.entry.envelope
    match code:
        case "conflict":
            sentence = "this key was used for another request to this recipient: a new request needs a new key"
            return Refused(index, "idempotency_key", "conflict", sentence)
        case "closed":
            sentence = "the store's memory is short: its lane is closed for now, try again later"
            return Refused(index, "store", "memory_short", sentence)
        case "unknown":
            return Refused(index, "store", "unknown", "its shard of the store did not answer")
        case _:
            repeated = code == "same"
            now = State(state)
            until = item.until if now is State.HELD else None
            return Accepted(
                envelope.id, now, envelope.segments, until, envelope.reason, repeated, replicated=code != "alone"
            )


def _batches(messages: Iterable[Message]) -> Iterator[list[Message]]:
    source = iter(messages)
    while batch := list(islice(source, CALL_MAX)):
        yield batch


def keyring_from_environment() -> Keyring:
    """Load the keys that SMSQUEUE_KEYRING_FILE and SMSQUEUE_SUBJECT_FILE name. Raises Misconfigured."""
    what = "written by `smsqueue keys init`"
    return Keyring.load(
        Path(from_environment("SMSQUEUE_KEYRING_FILE", f"the file of payload keys, {what}")),
        Path(from_environment("SMSQUEUE_SUBJECT_FILE", f"the file of the subject key, {what}")),
    )
