"""Defects planted into `core`, one at a time: a test has to see each."""
