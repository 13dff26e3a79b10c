"""What a state and a reason mean, in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smsqueue.core.states import Reason

if TYPE_CHECKING:
    from smsqueue.core.decisions import Decision
    from smsqueue.core.envelope import Envelope

BECAUSE: dict[Reason, str] = {
    Reason.NONE: "nothing stood in the way",
    Reason.SCHEDULED: "its producer asked for a later instant",
    Reason.QUIET_HOURS: "in some place where the recipient may be it is quiet, or too soon will be",
    Reason.RETRY: "the provider refused for a passing cause, and it is tried again",
    Reason.THROTTLED: "the provider asked for patience",
    Reason.PAUSED: "an operator paused its lane, category, provider, tenant or campaign",
    Reason.NO_ROUTE: "no provider of its category serves it",
    Reason.ACCOUNT: "the provider refuses our account: look at credentials, funds and sender ID, then resume",
    Reason.UNKNOWN_KEY: "its payload key is not in the workers' keyring: add it, then resume",
    Reason.NO_REPLICA: "too few of the store's replicas answered: look at them",
    Reason.CAPPED: "the recipient has had as many of its category as the policy allows within a day",
    Reason.CLOCK: "a worker's clock differs from the server's: set it right",
    Reason.STOPPING: "a worker stopped before the call was started",
    Reason.TTL: "its deadline has passed",
    Reason.TTL_TOO_SHORT: "less validity is left than its category needs to be worth a submit",
    Reason.TTL_BEFORE_WINDOW: "its deadline comes before the next allowed instant",
    Reason.NO_WINDOW: "nobody knows where the recipient is, or it is never open there",
    Reason.VALIDITY_UNREPRESENTABLE: "no provider can express the validity that is left",
    Reason.PROVIDER_EXPIRED: "its validity ended in the provider's queue",
    Reason.REJECTED: "the provider will never send it",
    Reason.OPTED_OUT: "the provider says that the recipient opted out",
    Reason.ATTEMPTS: "it was refused as often as its category allows",
    Reason.BAD_SEAL: "its payload or envelope was changed after acceptance",
    Reason.NO_PAYLOAD: "its payload is gone",
    Reason.POISON: "whoever touched it failed, again and again",
    Reason.CANCELLED: "somebody withdrew it",
    Reason.SUPERSEDED: "a newer message with the same supersede key took its place",
    Reason.LEASE_ENDED: "the worker that had it on the wire did not come back: the provider may have it",
    Reason.ANSWER_LOST: "the provider's answer was lost: it may have it",
    Reason.IN_DOUBT: "it stayed in doubt until an hour after its validity",
    Reason.IN_DOUBT_AGAIN: "twice is better than never for its category, or harmless at its provider",
    Reason.RESTORED: "the store was restored: it may have been submitted in what was forgotten",
    Reason.NO_RECEIPT: "no receipt came until an hour after its validity",
    Reason.RECEIPT: "a receipt says so",
}


def because(decision: Decision) -> str:
    """Explain a decision."""
    return BECAUSE[decision.reason]


def status(id: str, envelope: Envelope | None) -> dict[str, Any]:
    """Return a message's row; of one that the store does not know, the id alone."""
    if envelope is None:
        return {"id": id, "state": "missing", "reason": "the store does not know it, or no longer"}
    return {
        "id": id,
        "state": envelope.state.value,
        "reason": envelope.reason.value,
        "category": envelope.category,
        "campaign": envelope.campaign,
        "attempts": len(envelope.attempts),
        "created": envelope.created,
        "deadline": envelope.deadline,
    }
