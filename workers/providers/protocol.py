"""What the submit engine asks of a provider."""

from __future__ import annotations

from typing import Protocol

from smsqueue.core.submission import Capabilities, SendResult, Submission  # noqa: TC001 - read by users


class Provider(Protocol):
    """One account at one provider. Made once per process, on the engine's loop."""

    can: Capabilities

    async def submit(self, submission: Submission) -> SendResult:
        """Submit once and say what happened; raise only on a bug of ours."""

    async def close(self) -> None:
        """Give back connections."""
