"""The world of one example: a store, a clock that jumps, workers with work in hand, a stand-in provider."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from smsqueue.admission import admit
from smsqueue.core.change import change
from smsqueue.core.decide import decide
from smsqueue.core.message import Message
from smsqueue.core.settle import settle
from smsqueue.errors import InvalidMessage
from smsqueue.keyring import Keyring
from smsqueue.store import pauses
from tests.model import rules
from tests.model.promises import Promises, earliest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from smsqueue.core.envelope import Envelope
    from smsqueue.store.store import Store

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KEYRING = Keyring.generate()


class Order(NamedTuple):
    """How one step of a worker goes: what the provider says, and whether the script's answer is lost."""

    answer: str = "accepted"
    twice: bool = False  # the script's answer is lost: it is run again at once
    later: bool = False  # the same, but it is run again much later


class World:
    """One example. `settle` may be replaced by one with a defect."""

    def __init__(self, store: Store, settle: Callable[..., Any] = settle) -> None:
        self.store, self.settle = store, settle
        self.promises = Promises()
        self.hand: deque[Generator[None, Order, None]] = deque()
        self.fences = 0
        self._known: list[tuple[str, Message]] = []
        self._newest: dict[str, str] = {}
        store.redis.flushall()
        store.epoch.forget()
        self._shift = rules.START - self._server_time()
        self.move(timedelta(0))
        store.policies.publish(rules.POLICY)
        store.greet()

    def _server_time(self) -> datetime:
        seconds, micros = self.store.redis.time()
        return EPOCH + timedelta(seconds=seconds, microseconds=micros)

    def now(self) -> datetime:
        """Return the time of the world."""
        return self._server_time() + self._shift

    def move(self, by: timedelta) -> None:
        """Let time pass for everybody."""
        self._shift += by
        self.store.redis.set("sms:{0}:clock", self._shift // timedelta(milliseconds=1))
        if by:
            self.store.greet()

    def accept(self, category: str, validity: timedelta, key: str = "", wait: timedelta = timedelta(0)) -> None:
        """A producer sends one message."""
        now = self.store.clock.now()
        message = Message(
            to="+12025550123", text="Hi.", category=category, timezone=rules.ZONE,
            deadline=now + validity, supersede_key=key, not_before=now + wait if wait else None,
        )  # fmt: skip
        id = f"00{len(self._known):016}"
        if self._send(message, id):
            self._known.append((id, message))
            if key:
                if older := self._newest.get(key):
                    self.promises.superseded(older)
                self._newest[key] = id

    def accept_again(self, number: int) -> None:
        """A producer that heard no answer sends an accepted message again."""
        if self._known:
            id, message = self._known[number % len(self._known)]
            self._send(message, id)

    def _send(self, message: Message, id: str) -> bool:
        policy = self.store.policies.current
        try:
            entry = admit(message, policy=policy, keyring=KEYRING, now=self.store.clock.now(), id=id).entry
        except InvalidMessage:
            return False
        code = self.store.accept([entry], retention=rules.RETENTION)[0][0]
        assert code == ("same" if id in self.promises.told else "new")
        assert message.deadline is not None
        self.promises.told[id] = (message.category, message.deadline)
        return True

    def stop(self, number: int) -> None:
        """A producer cancels."""
        if self._known:
            id = self._known[number % len(self._known)][0]
            self.promises.withdrawn(id, self.store.stop([id], reason="cancelled", retention=rules.RETENTION)[0])

    def pause(self, what: str, name: str) -> None:
        """An operator pauses something."""
        pauses.pause(self.store, what, name)

    @property
    def paused(self) -> bool:
        """Whether something is."""
        return bool(pauses.listed(self.store))

    def resume(self) -> None:
        """An operator ends all pauses."""
        for scope in pauses.listed(self.store):
            pauses.resume(self.store, *scope.split(":"))

    def wake(self) -> int:
        """One tick of the pump."""
        return self.store.wake(retention=rules.RETENTION).moves

    def start(self, worker: Generator[None, Order, None]) -> None:
        """A worker takes something in hand."""
        try:
            next(worker)
        except StopIteration:
            return
        self.hand.append(worker)

    def work(self, number: int, order: Order) -> None:
        """One worker makes one step."""
        if not self.hand:
            return
        self.hand.rotate(-(number % len(self.hand)))
        self._step(self.hand[0], order)

    def _step(self, worker: Generator[None, Order, None], order: Order) -> None:
        self.hand.remove(worker)
        try:
            worker.send(order)
        except StopIteration:
            return
        self.hand.append(worker)

    def rush(self, everybody: Callable[[World], None], order: Order, rounds: int) -> None:
        """Fresh workers take what is ready and go on; those that had something in hand stand still."""
        frozen = list(self.hand)
        for _ in range(rounds):
            self.wake()
            everybody(self)
            for worker in [one for one in self.hand if one not in frozen]:
                self._step(worker, order)
                self.check()

    def crash(self, number: int) -> None:
        """One worker forgets what it has in hand."""
        if self.hand:
            self.hand.rotate(-(number % len(self.hand)))
            self.hand.popleft().close()

    def decide(self, envelope: Envelope, facts: Any) -> Any:
        """Ask the policy."""
        return decide(envelope, self.store.policies.current, facts, self.store.clock.now())

    def write(self, decided: list[tuple[Any, ...]], *, twice: bool = False) -> list[str]:
        """Write changes as the workers do."""
        policy, now = self.store.policies.current, self.store.clock.now()
        changes = [
            change(envelope, outcome, policy=policy, now=now, attempts=attempts[0] if attempts else None)
            for envelope, outcome, *attempts in decided
        ]
        real = [item for item in changes if item is not None]
        if not real:
            return ["nothing"] * len(changes)
        if twice:
            self.store.apply(real)
        codes = iter(self.store.apply(real))
        return ["nothing" if item is None else next(codes) for item in changes]

    def check(self) -> None:
        """Look at every promise."""
        self.promises.look(self.store.redis)

    def heal(self, everybody: Callable[[World], None]) -> None:
        """Let everything recover and all time pass: then every message is final, and one event says so."""
        self.resume()
        for _ in range(150):
            self.wake()
            everybody(self)
            while self.hand:
                self.work(0, Order())
            self.check()
            following = earliest(self.store.redis)
            if following is None:
                break
            self.move(max(EPOCH + following - self.now(), timedelta(0)) + timedelta(milliseconds=2))
        missing = self.promises.told.keys() - self.promises.ended.keys()
        assert self.promises.all_ended(), f"lost: never final: {missing}"
        self.promises.told_once(self.store.redis.xrange("sms:{0}:events"))
