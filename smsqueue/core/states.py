"""The life of a message. These tables are the only place that knows it."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a message is in its life."""

    QUEUED = "queued"  # accepted, on its way to a provider
    HELD = "held"  # accepted, asleep until an instant or until somebody acts
    SUBMITTING = "submitting"  # past the gate: a request may be on the wire
    UNKNOWN = "unknown"  # the answer was lost: the provider may have it
    SUBMITTED = "submitted"  # the provider has it
    DELIVERED = "delivered"  # final: a receipt says that the handset has it
    UNDELIVERED = "undelivered"  # final: a receipt says that it never will
    UNCONFIRMED = "unconfirmed"  # final: no receipt came in time
    FAILED = "failed"  # final: surely not sent, and it will not be tried again
    EXPIRED = "expired"  # final: surely not sent, its validity is over
    SUPPRESSED = "suppressed"  # final: surely not sent, the recipient does not want it
    CANCELLED = "cancelled"  # final: surely not sent, somebody withdrew it


_SURELY_NOT_SENT = (State.FAILED, State.EXPIRED, State.SUPPRESSED, State.CANCELLED)
_LATE = (State.SUBMITTED, State.DELIVERED)
"""A message in doubt may already wait for its next submit when the first one's answer or receipt comes."""

TRANSITIONS: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.HELD, State.SUBMITTING, State.UNKNOWN, *_SURELY_NOT_SENT, *_LATE}),
    State.HELD: frozenset({State.QUEUED, State.SUBMITTING, State.UNKNOWN, *_SURELY_NOT_SENT, *_LATE}),
    State.SUBMITTING: frozenset(
        {State.SUBMITTED, State.HELD, State.UNKNOWN, State.DELIVERED, State.UNDELIVERED, *_SURELY_NOT_SENT}
    ),
    State.UNKNOWN: frozenset(
        {
            State.SUBMITTED,
            State.HELD,
            State.DELIVERED,
            State.UNDELIVERED,
            State.UNCONFIRMED,
            *_SURELY_NOT_SENT,
        }
    ),
    State.SUBMITTED: frozenset({State.DELIVERED, State.UNDELIVERED, State.UNCONFIRMED, State.HELD}),
    State.DELIVERED: frozenset(),
    State.UNDELIVERED: frozenset(),
    State.UNCONFIRMED: frozenset(),
    State.FAILED: frozenset(),
    State.EXPIRED: frozenset(),
    State.SUPPRESSED: frozenset(),
    State.CANCELLED: frozenset(),
}
"""Which state may follow which. A state that none may follow is final. A receipt can overtake our own
settle, hence SUBMITTING -> DELIVERED; SUBMITTED -> HELD needs a receipt that proves non-delivery. QUEUED and HELD
become UNKNOWN only by `smsqueue recover`, when a restored store may have forgotten their submit."""

WAITING = frozenset({State.QUEUED, State.HELD})
"""Surely not at a provider: may still be held, expired or cancelled at once."""

FINAL = frozenset(state for state, after in TRANSITIONS.items() if not after)
OPEN = frozenset(State) - FINAL


class Reason(StrEnum):
    """Why a message is in its state. A closed list: it is logged, counted and shown as it stands here."""

    NONE = "none"  # nothing to explain: on its way

    SCHEDULED = "scheduled"  # not before the instant that the producer asked for
    QUIET_HOURS = "quiet_hours"  # some place where the recipient may be is quiet
    RETRY = "retry"  # backing off after a passing refusal
    THROTTLED = "throttled"  # the provider asked for patience
    PAUSED = "paused"  # an operator paused its lane, category, provider, tenant or campaign
    NO_ROUTE = "no_route"  # no provider of its category serves it
    ACCOUNT = "account"  # the provider refuses our account: credentials, funds, sender
    UNKNOWN_KEY = "unknown_key"  # its payload key is not in the keyring at hand
    NO_REPLICA = "no_replica"  # too few of the store's replicas answered for a call to be safe
    CAPPED = "capped"  # the recipient has had as many of its category as allowed within a day
    CLOCK = "clock"  # a worker's clock and the server's differ: nobody knows who is wrong
    STOPPING = "stopping"  # a worker was asked to stop before it could start the call

    TTL = "ttl"  # the deadline has passed
    TTL_TOO_SHORT = "ttl_too_short"  # too little validity is left to submit it now
    TTL_BEFORE_WINDOW = "ttl_before_window"  # the deadline comes before the next allowed instant
    NO_WINDOW = "no_window"  # the rules never open: a mistake in the policy
    VALIDITY_UNREPRESENTABLE = "validity_unrepresentable"  # no provider can express what is left
    PROVIDER_EXPIRED = "provider_expired"  # the provider says that the validity ended in its queue

    REJECTED = "rejected"  # the provider never will send it
    OPTED_OUT = "opted_out"  # the provider says that the recipient opted out
    ATTEMPTS = "attempts"  # refused as often as its category allows
    BAD_SEAL = "bad_seal"  # payload or envelope were changed after acceptance
    NO_PAYLOAD = "no_payload"  # the payload is gone
    POISON = "poison"  # whoever touched it died or failed, again and again

    CANCELLED = "cancelled"  # by its producer or an operator
    SUPERSEDED = "superseded"  # a newer message with the same supersede key took its place

    LEASE_ENDED = "lease_ended"  # the worker that had it on the wire did not come back
    ANSWER_LOST = "answer_lost"  # the provider's answer was lost or says nothing certain
    IN_DOUBT = "in_doubt"  # it stayed unknown until an hour after its validity
    IN_DOUBT_AGAIN = "in_doubt_again"  # its category, or the provider, makes submitting again right
    RESTORED = "restored"  # the store was restored: it may have been submitted in what was forgotten
    NO_RECEIPT = "no_receipt"  # submitted, but no receipt until an hour after its validity
    RECEIPT = "receipt"  # a receipt says so


CODES: dict[Reason, str] = {
    Reason.NONE: "-",
    Reason.SCHEDULED: "sc",
    Reason.QUIET_HOURS: "qh",
    Reason.RETRY: "re",
    Reason.THROTTLED: "th",
    Reason.PAUSED: "pa",
    Reason.NO_ROUTE: "nr",
    Reason.ACCOUNT: "ac",
    Reason.UNKNOWN_KEY: "uk",
    Reason.NO_REPLICA: "rp",
    Reason.CAPPED: "cd",
    Reason.CLOCK: "ck",
    Reason.STOPPING: "st",
    Reason.TTL: "tl",
    Reason.TTL_TOO_SHORT: "ts",
    Reason.TTL_BEFORE_WINDOW: "tw",
    Reason.NO_WINDOW: "nw",
    Reason.VALIDITY_UNREPRESENTABLE: "vu",
    Reason.PROVIDER_EXPIRED: "pe",
    Reason.REJECTED: "rj",
    Reason.OPTED_OUT: "oo",
    Reason.ATTEMPTS: "at",
    Reason.BAD_SEAL: "bs",
    Reason.NO_PAYLOAD: "np",
    Reason.POISON: "po",
    Reason.CANCELLED: "ca",
    Reason.SUPERSEDED: "su",
    Reason.LEASE_ENDED: "le",
    Reason.ANSWER_LOST: "al",
    Reason.IN_DOUBT: "id",
    Reason.IN_DOUBT_AGAIN: "ia",
    Reason.RESTORED: "rd",
    Reason.NO_RECEIPT: "nc",
    Reason.RECEIPT: "rc",
}
"""Two letters per reason: three decisions of a message fit into one small field of its envelope."""

REASONS: dict[str, Reason] = {code: reason for reason, code in CODES.items()}
