"""Pages that are made from code are what the code makes."""

from __future__ import annotations

from lab.lifecycle import TARGET, page


def test_the_lifecycle_page_is_made_from_the_table_of_transitions():
    assert TARGET.read_text() == page(), "run `python -m lab.lifecycle`"
