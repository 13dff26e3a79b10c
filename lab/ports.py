"""Free TCP ports on this machine."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

LOWEST, HIGHEST = 15_000, 32_000
"""Below those that the kernel gives to outgoing connections: a server that is restarted finds its port free."""
_given: set[int] = set()
_chance = random.SystemRandom()


def free_port() -> int:
    """Return a port that was free a moment ago and that this process was not given before."""
    while True:
        port = _chance.randrange(LOWEST, HIGHEST)
        if port in _given:
            continue
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            _given.add(port)
            return port
