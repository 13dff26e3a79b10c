"""Which shard keeps a message: by its recipient, evenly, and always the same."""

from __future__ import annotations

from collections import Counter

import pytest

from smsqueue.core.identity import BUCKETS, bucket, is_id, shard_of


@pytest.mark.parametrize("shards", [1, 2, 3, 4, 12, 256])
def test_every_shard_has_its_even_part_of_the_buckets(shards):
    parts = Counter(shard_of(bucket(number) + "x" * 16, shards) for number in range(BUCKETS))

    assert sorted(parts) == list(range(shards))
    assert max(parts.values()) - min(parts.values()) <= 1


@pytest.mark.parametrize(
    ("id", "shards", "expected"),
    [
        pytest.param("00" + "A" * 16, 4, 0, id="the first bucket"),
        pytest.param("3f" + "A" * 16, 4, 0, id="the last of the first shard"),
        pytest.param("40" + "A" * 16, 4, 1, id="the first of the second"),
        pytest.param("ff" + "A" * 16, 4, 3, id="the last bucket"),
        pytest.param("ff" + "A" * 16, 1, 0, id="one shard has them all"),
        pytest.param("-1" + "A" * 16, 4, 0, id="no bucket: the first shard does not know it"),
        pytest.param("FF" + "A" * 16, 4, 0, id="capitals: nobody made it"),
        pytest.param("", 4, 0, id="nothing"),
    ],
)
def test_where_an_id_belongs_stays_as_it_was_when_it_was_made(id, shards, expected):
    assert shard_of(id, shards) == expected


def test_a_bucket_makes_an_id():
    assert all(is_id(bucket(number) + "x" * 16) for number in range(BUCKETS))


def test_the_first_and_the_last_bucket_of_each_shard():
    ids = ["00", "7f", "80", "ff"]

    assert [shard_of(id + "x" * 16, 2) for id in ids] == [0, 0, 1, 1]
    assert [shard_of(id + "x" * 16, 256) for id in ids] == [0, 127, 128, 255]
    assert [shard_of(id + "x" * 16, 3) for id in ("55", "56", "aa", "ab")] == [0, 1, 1, 2]
    assert shard_of("zz" + "x" * 16, 4) == shard_of("zz" + "x" * 16, 256) == 0
    assert isinstance(shard_of("80" + "x" * 16, 2), int)
