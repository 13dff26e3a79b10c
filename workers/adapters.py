"""Making a provider's adapter from the settings."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from smsqueue.errors import Misconfigured
from workers.providers.console import Console
from workers.providers.twilio import Twilio, TwilioSettings

if TYPE_CHECKING:
    from config.settings import Settings
    from workers.providers.protocol import Provider

KINDS = ("console", "twilio")


def make(kind: str, settings: Settings) -> Provider:
    """Make an adapter. Raises Misconfigured naming the setting that is missing."""
    match kind:
        case "console":
            return Console(sys.stdout, show_text=settings.console_show_text)
        case "twilio":
            if not settings.twilio_account_sid:
                raise Misconfigured("SMSQUEUE_TWILIO_ACCOUNT_SID is not set: the policy sends through Twilio.")
            return Twilio(
                TwilioSettings(
                    base_url=settings.twilio_base_url,
                    account_sid=settings.twilio_account_sid,
                    auth_token=settings.twilio_auth_token.get_secret_value(),
                    api_key=settings.twilio_api_key,
                    api_secret=settings.twilio_api_secret.get_secret_value(),
                ),
                call_limit=settings.call_limit,
                connections=settings.slots,
            )
        case _:
            raise Misconfigured(f"The policy names a provider of kind {kind}; there are {', '.join(KINDS)}.")
