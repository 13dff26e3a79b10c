"""`python -m smsqueue.cli`."""

from smsqueue.cli import main

main()
