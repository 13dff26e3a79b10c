"""One file per provider: it submits once and reports; it does not retry, sleep, log or judge."""
