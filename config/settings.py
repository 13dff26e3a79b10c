"""Settings of the running system, read once from the environment, by the names below in capitals after SMSQUEUE_."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path  # noqa: TC003 - pydantic reads annotations at run time
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from smsqueue.core import duration
from smsqueue.errors import Misconfigured


def _lasts(given: timedelta) -> timedelta:
    if given <= timedelta(0):
        raise ValueError("has to last: write a duration above 0s")
    return given


Duration = Annotated[timedelta, BeforeValidator(duration.parse), AfterValidator(_lasts)]

REDIS_TIMEOUT = timedelta(seconds=5)
"""How long a worker waits for one answer of the store."""


class Settings(BaseSettings):
    """What one deployment is told. Secrets never show."""

    model_config = SettingsConfigDict(env_prefix="SMSQUEUE_", extra="ignore", hide_input_in_errors=True)

    redis_url: SecretStr
    """The store: the only server whose content counts."""
    shards: int = Field(default=1, ge=1, le=256)
    """Parts of the store, chosen once: the first `smsqueue policy apply` writes it down; the same for all processes."""
    replicas: int = Field(default=0, ge=0, le=5)
    """Replicas of the store that must have a message before it counts as safe (`WAIT`)."""
    broker_url: SecretStr | None = None
    """The Celery broker: needs no disk. Without it the store's server does both."""
    keyring_file: Path | None = None
    """Payload keys: submit workers and producers only."""
    subject_file: Path | None = None
    """The subject key: producers, submit workers, web."""

    state_dir: Path | None = None
    """A folder that outlives the process: it notes there how far the store had come (see `smsqueue recover`)."""

    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    tick: Duration = timedelta(milliseconds=100)
    """How often a pump looks for what is due when nobody wakes it."""

    hint_lease: Duration = timedelta(seconds=60)
    """How long a handed-out message may go unlooked at: so long does a killed worker delay what it had in hand."""
    hint_lease_first: Duration = timedelta(seconds=5)
    """The same for the policy's first lane, that of one-time codes."""

    slots: int = Field(default=800, ge=1, le=5000)
    """Requests in flight per provider and submit process: so many may be in doubt if it is killed."""
    call_limit: Duration = timedelta(seconds=10)
    """How long one call to a provider may take, from connecting to the last byte of the answer."""
    settle_limit: Duration = timedelta(seconds=5)
    """What a call's lease has beyond the call, for writing down its result."""

    public_url: str = ""
    """Where providers reach `web` from outside, without a slash at the end; empty: no receipts are asked for."""
    web_host: str = "127.0.0.1"
    web_port: int = Field(default=8080, ge=1, le=65535)

    twilio_base_url: str = "https://api.twilio.com"
    twilio_account_sid: str = ""
    twilio_auth_token: SecretStr = SecretStr("")
    twilio_api_key: str = ""
    twilio_api_secret: SecretStr = SecretStr("")

    console_show_text: bool = False
    """Development only: the console provider prints number and text."""

    testing: bool = False
    """Allows what only tests may do: travelling in time."""

    @property
    def broker(self) -> str:
        """The broker's address, which may hold a password."""
        return (self.broker_url or self.redis_url).get_secret_value()


def read() -> Settings:
    """Read the environment. Raises Misconfigured naming each bad setting, never showing its value."""
    try:
        return Settings()  # type: ignore[call-arg]  # the environment brings the rest
    except ValidationError as error:
        mistakes = [
            f"SMSQUEUE_{'_'.join(str(part) for part in item['loc']).upper()}"
            + (" is not set" if item["type"] == "missing" else f": {item['msg']}")
            for item in error.errors(include_url=False, include_context=False, include_input=False)
        ]
    raise Misconfigured("; ".join(mistakes))
