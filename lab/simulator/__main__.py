"""`python -m lab.simulator --port 9000`: see the package for what it does."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json

from lab.simulator.behaviour import Behaviour
from lab.simulator.protocol import Protocol
from lab.simulator.simulator import Simulator


def main() -> None:
    """Run until killed."""
    parser = argparse.ArgumentParser(description="A stand-in for Twilio's Messages API.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--account", default="AC" + "0" * 32)
    parser.add_argument("--token", default="simulated-auth-token")
    parser.add_argument("--behaviour", default="{}", help="JSON: latency_ms, shares, callbacks, ...")
    arguments = parser.parse_args()
    behaviour = Behaviour(**json.loads(arguments.behaviour))
    gc.disable()  # requests leave no cycles behind; a collection would show up as latency of ours
    asyncio.run(_serve(arguments.port, behaviour, arguments.account, arguments.token))


async def _serve(port: int, behaviour: Behaviour, account: str, token: str) -> None:
    simulator = Simulator(behaviour, account=account, token=token)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Protocol(simulator), "127.0.0.1", port, backlog=4096)
    print(f"simulator: listening on {port}", flush=True)
    await server.serve_forever()


main()
