"""Twilio Programmable Messaging, API of 2010-04-01.

https://www.twilio.com/docs/messaging/api/message-resource
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta

from smsqueue.core.submission import Capabilities, SendResult, SendStatus, Submission
from workers.http import Answer, Http, basic_auth
from workers.providers.twilio_codes import SUBMIT, Meaning

_SID = re.compile(r"(SM|MM)[0-9a-fA-F]{32}")
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
_CODE_MAX = 999_999
"""Twilio's codes have five digits. What has many more is not one, and might be the number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioSettings:
    """One account. With an API key, that signs the calls; the path keeps the account."""

    base_url: str
    account_sid: str
    auth_token: str = field(repr=False)
    api_key: str = ""
    api_secret: str = field(default="", repr=False)


class Twilio:
    """One Twilio account.

    Its validity ends in Twilio's own queue and is looked at once (error 30036); nothing deduplicates: the
    header I-Twilio-Idempotency-Token is one that Twilio sends, on a request it does nothing.
    """

    can = Capabilities(
        shortest=timedelta(seconds=5),  # less is possible and not advised
        longest=timedelta(seconds=36_000),
        reaches_carrier=False,
        deduplicates=False,
    )

    def __init__(self, settings: TwilioSettings, *, call_limit: timedelta, connections: int) -> None:
        base = settings.base_url.rstrip("/")
        self._url = f"{base}/2010-04-01/Accounts/{settings.account_sid}/Messages.json"
        user, password = settings.account_sid, settings.auth_token
        if settings.api_key:
            user, password = settings.api_key, settings.api_secret
        headers = {"Authorization": basic_auth(user, password)}
        self._http = Http(call_limit=call_limit, connections=connections, headers=headers)

    async def submit(self, submission: Submission) -> SendResult:
        """Submit once and say what happened."""
        answer = await self._http.post_form(self._url, _form(submission, self.can.longest))
        return answer if isinstance(answer, SendResult) else read(answer)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()


def _form(submission: Submission, longest: timedelta) -> list[tuple[str, str]]:
    sender = "MessagingServiceSid" if _SERVICE.fullmatch(submission.sender) else "From"
    form = [
        ("To", submission.to),
        (sender, submission.sender),
        ("Body", submission.text),
        ("ValidityPeriod", str(min(submission.valid_for, longest) // timedelta(seconds=1))),  # rounded down
        ("SmartEncoded", "false"),  # segments were counted for this text; a Messaging Service would change it
    ]
    if submission.callback:
        form.append(("StatusCallback", submission.callback))
    return form


def read(answer: Answer) -> SendResult:
    """Read Twilio's answer. What is not in its own shape came from somewhere else, and proves nothing."""
    content = answer.json
    if not isinstance(content, dict):
        content = {}
    if answer.ok:
        sid = content.get("sid")
        if isinstance(sid, str) and _SID.fullmatch(sid):
            return SendResult(status=SendStatus.ACCEPTED, provider_id=sid)
        return SendResult(status=SendStatus.UNKNOWN, code="no_sid")
    code = content.get("code")
    if answer.status >= 500 or type(code) is not int or not 0 < code <= _CODE_MAX:  # noqa: PLR2004 - server errors
        known = {401: SendStatus.ACCOUNT, 402: SendStatus.ACCOUNT, 403: SendStatus.ACCOUNT}
        return SendResult(status=known.get(answer.status, SendStatus.UNKNOWN), code=str(answer.status))
    meaning = SUBMIT.get(code) or (Meaning(SendStatus.ACCOUNT) if answer.status in {401, 402, 403} else None)
    if meaning is None:  # Twilio splits codes over time: an unknown one on a 4xx is this message's, for good
        return SendResult(status=SendStatus.REJECTED, code=str(code))
    return SendResult(status=meaning.status, code=meaning.code or str(code))
