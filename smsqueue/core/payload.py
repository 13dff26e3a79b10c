"""What is sealed: number, text and metadata, with the facts that the envelope shows in clear."""

from __future__ import annotations

import json
from collections.abc import Mapping  # noqa: TC003 - dataclass fields' types
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smsqueue.core.envelope import Envelope

LONGEST = 32_768
"""Bytes of one payload, before sealing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """The secret half of a message. Nothing of it shows in its `repr`."""

    to: str = field(repr=False)
    text: str = field(repr=False)
    metadata: Mapping[str, str] = field(repr=False)
    facts: tuple[str, str, int, str] = field(repr=False)  # region, zones, segments, sender name

    def matches(self, envelope: Envelope) -> bool:
        """Whether the envelope shows what was sealed: otherwise somebody changed it."""
        return self.facts == (envelope.region, envelope.zones, envelope.segments, envelope.sender)


def dump(payload: Payload) -> bytes:
    """Write a payload as bytes to seal: a line per field, the text last. Only the text may hold line ends."""
    region, zones, segments, sender = payload.facts
    metadata = json.dumps(dict(payload.metadata)) if payload.metadata else ""
    return f"{payload.to}\n{region}\n{zones}\n{segments}\n{sender}\n{metadata}\n{payload.text}".encode()


def load(raw: bytes) -> Payload:
    """Read an opened payload. Its bytes are authenticated, so their form is ours."""
    to, region, zones, segments, sender, metadata, text = raw.decode().split("\n", 6)
    return Payload(
        to=to,
        text=text,
        metadata=json.loads(metadata) if metadata else {},
        facts=(region, zones, int(segments), sender),
    )
