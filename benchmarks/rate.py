"""A provider's rate over four submit processes for a minute, with a one-time code in the middle.

`python -m benchmarks.rate` prints total, worst second and the one-time code's wait, and writes build/scale.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from benchmarks import figures
from benchmarks.throughput import TEXT, messages
from lab.system import POLICY, System
from lab.waiting import wait_for
from smsqueue import Message, policy_file

ONE_SEGMENT = TEXT[:160]


class Rate(NamedTuple):
    """What the provider saw.

    `worst_second` is the fullest of all stretches of a second, wherever it begins.
    """

    limit: float
    seconds: float
    total: int
    worst_second: int
    one_time_code_ms: float


def measure(directory: Path, *, rate: float = 50, seconds: int = 60, submit: int = 4) -> Rate:
    """Let a campaign of more than fits wait for the provider, and send a one-time code in the middle."""
    with System(directory, behaviour={"latency_ms": 100}, SMSQUEUE_PUBLIC_URL="http://127.0.0.1:1") as system:
        document = policy_file.document(POLICY)
        document["providers"]["twilio"]["rate"] = rate
        system.client.store.policies.publish(document)
        system.fleet.workers(dispatch=2, submit=submit)
        begun = time.time()
        campaign = messages(int(rate * seconds * 1.1))
        system.client.send_many(replace(message, text=ONE_SEGMENT) for message in campaign)
        wait_for(lambda: time.time() > begun + seconds / 2, "the middle", within=seconds, every=0.01)
        sent = time.time()
        code = system.client.send(Message(to="+12025550123", text="123456 is your code.", category="otp")).id
        wait_for(lambda: time.time() > begun + seconds, "the end", within=seconds, every=0.01)
        records = [(record["id"], at) for record in system.received() for at in record["first_bytes"]]
    came = sorted(at for _, at in records if at < begun + seconds)
    worst, start = 0, 0
    for end, at in enumerate(came):
        while came[start] <= at - 1:
            start += 1
        worst = max(worst, end - start + 1)
    wait = next(at for id, at in records if id == code) - sent
    return Rate(rate, came[-1] - came[0], len(came), worst, wait * 1000)


def main() -> None:
    """Print one line of JSON, and keep it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seconds", type=int, default=60)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="smsqueue-rate-"))
    found = measure(folder, rate=arguments.rate, seconds=arguments.seconds)._asdict()
    figures.write("rate", found)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
