"""Everything smsqueue raises on purpose.

* SmsQueueError
  - InvalidMessage          the producer's mistake: names the field and the rule; nothing was stored
  - InvalidPolicy           the operator's mistake in a policy: names place and key; nothing was applied
  - Misconfigured           a setting, key file or server that cannot be worked with: says what to do
  - StoreUnavailable        the store did not answer in time; nothing was asked of it that could be half done
    + AcceptanceUnknown     the answer to an accept was lost: carries the ids, sending again with them is safe
    + StoreBehind           the store was restored or lost writes: nothing goes on until `smsqueue recover`
  - SealError               a stored payload cannot be opened: `bad_format`, `unknown_key` or `bad_seal`

No error's text ever holds a phone number, a text or a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class SmsQueueError(Exception):
    """The root of what smsqueue raises on purpose."""


class InvalidMessage(SmsQueueError):  # noqa: N818 - reads as what it says, like the names in the design
    """A message refused at the door. `field` and `rule` are for programs, `str()` is a sentence."""

    def __init__(self, field: str, rule: str, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}")
        self.field = field
        self.rule = rule


class InvalidPolicy(SmsQueueError):  # noqa: N818 - see above
    """A policy that was refused. The one in force stays in force."""


class Misconfigured(SmsQueueError):  # noqa: N818 - see above
    """A setting, a key file or a server that smsqueue cannot work with."""


class StoreUnavailable(SmsQueueError):  # noqa: N818 - see above
    """The store did not answer in time."""


class StoreBehind(StoreUnavailable):
    """The store has forgotten something: it was restored from a backup, or lost its last writes."""


class AcceptanceUnknown(StoreUnavailable):
    """The answer to an accept was lost. Sending the same messages again with `ids` is safe."""

    def __init__(self, ids: Sequence[str]) -> None:
        super().__init__(
            f"The store's answer was lost: {len(ids)} messages may or may not be accepted. "
            "Send them again with the ids of this error: what was accepted is not accepted twice."
        )
        self.ids = tuple(ids)


class SealError(SmsQueueError):
    """A payload that cannot be opened. `code` is `bad_format`, `unknown_key` or `bad_seal`, never other text."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
