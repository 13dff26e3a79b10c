"""Opening a message for its provider: the only place where number and text are in clear again."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from smsqueue.admission import header
from smsqueue.core.outcome import End, Park
from smsqueue.core.payload import load
from smsqueue.core.states import Reason, State
from smsqueue.core.submission import Submission
from smsqueue.errors import SealError
from smsqueue.keyring import Purpose, token
from smsqueue.seal import open_record

if TYPE_CHECKING:
    from datetime import timedelta

    from smsqueue.core.envelope import Envelope
    from smsqueue.core.payload import Payload
    from smsqueue.keyring import Keyring, SubjectKeys


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens sealed records and addresses receipts. Holds the keys."""

    keyring: Keyring
    public_url: str

    def open(self, envelope: Envelope, record: bytes | None) -> Payload | End | Park:
        """Open a record; what cannot be opened says what becomes of the message."""
        if record is None:
            return End(State.FAILED, Reason.NO_PAYLOAD)
        code = ""
        try:
            payload = load(open_record(self.keyring, header(envelope), record))
        except SealError as error:
            code = error.code
        if code == "unknown_key":
            return Park(Reason.UNKNOWN_KEY)  # not poison: it goes on when the key is there
        if code or not payload.matches(envelope):
            return End(State.FAILED, Reason.BAD_SEAL)
        return payload

    def cap_token(self, envelope: Envelope, payload: Payload) -> str:
        """Name a recipient for counting what they had of a category, and for nothing else."""
        key = self.keyring.subjects.subject_key(Purpose.CAP)
        raw = token(key, envelope.tenant, payload.to, envelope.category, size=12)
        return base64.urlsafe_b64encode(raw).decode()

    def submission(
        self,
        envelope: Envelope,
        payload: Payload,
        *,
        fence: str,
        provider: str,
        sender: str,
        valid_for: timedelta,
    ) -> Submission:
        """Make what the provider is given."""
        callback = None
        if self.public_url:
            mark = callback_token(self.keyring.subjects, provider, envelope.id, fence)
            callback = f"{self.public_url}/receipts/{provider}/{envelope.id}/{fence}/{mark}"
        return Submission(
            id=envelope.id,
            fence=fence,
            to=payload.to,
            text=payload.text,
            sender=sender,
            valid_for=valid_for,
            callback=callback,
        )


def callback_token(keys: SubjectKeys, provider: str, id: str, fence: str) -> str:
    """Tie a callback address to one attempt: nobody can make one for another message."""
    raw = token(keys.subject_key(Purpose.WEBHOOK), provider, id, fence, size=15)
    return base64.urlsafe_b64encode(raw).decode()
