"""A provider that prints: for the quick start, and for looking at what would be sent."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TextIO

from smsqueue.core.submission import Capabilities, SendResult, SendStatus, Submission


class Console:
    """Prints a line per message; number and text only in development, when it is told to."""

    can = Capabilities(
        shortest=timedelta(seconds=1), longest=timedelta(days=3), reaches_carrier=False, deduplicates=False
    )

    def __init__(self, stream: TextIO, *, show_text: bool = False) -> None:
        self._stream, self._show_text = stream, show_text

    async def submit(self, submission: Submission) -> SendResult:
        """Print it."""
        seconds = submission.valid_for // timedelta(seconds=1)
        line = f"console: {submission.id} valid for {seconds} s"
        if self._show_text:
            line += f" to {submission.to} from {submission.sender}: {submission.text!r}"
        self._stream.write(line + "\n")
        self._stream.flush()
        return SendResult(status=SendStatus.ACCEPTED, provider_id=f"console-{secrets.token_hex(8)}")

    async def close(self) -> None:
        """Nothing is held."""
