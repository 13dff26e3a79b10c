"""Sealing: the cipher is the published one, and nothing but an untouched record opens."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given, settings
from hypothesis import strategies as st

from smsqueue import seal as sealing
from smsqueue.core.payload import LONGEST
from smsqueue.errors import SealError
from smsqueue.keyring import Keyring, SubjectKeys
from smsqueue.seal import BUCKET, NONCE, PAYLOAD_LONGEST, TAG, Header, key_id, open_record, seal, xaes_decrypt

properties = settings(derandomize=True, deadline=None)

OLD, NEW = bytes(range(7, 39)), bytes(range(101, 133))[::-1]
SUBJECTS = SubjectKeys(bytes(range(32)))
RING = Keyring(active="old", roots={"old": OLD}, subjects=SUBJECTS)
HEADER = Header("00AbCdEfGhIjKlMnOp", "t1", "reminder", "service", "spring", 1_795_450_000, 1_795_453_600_000)
PAYLOAD = b"+12025550123\nUS\n\n1\n\n\nYour parcel is here."


def refusal(record: bytes, *, header: Header = HEADER, ring: Keyring = RING) -> str:
    with pytest.raises(SealError) as caught:
        open_record(ring, header, record)
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    assert str(caught.value) == caught.value.code
    return caught.value.code


# --- the cipher -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "bound", "ciphertext"),
    [
        pytest.param(
            b"\x01" * 32, b"", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271", id="C2SP, nothing bound"
        ),
        pytest.param(
            b"\x03" * 32,
            b"c2sp.org/XAES-256-GCM",
            "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d",
            id="C2SP, its address bound",
        ),
    ],
)
def test_the_cipher_is_the_published_one(key, bound, ciphertext):
    nonce, plaintext = b"ABCDEFGHIJKLMNOPQRSTUVWX", b"XAES-256-GCM"

    assert sealing.xaes_encrypt(key, nonce, plaintext, bound).hex() == ciphertext
    assert xaes_decrypt(key, nonce, bytes.fromhex(ciphertext), bound) == plaintext
    with pytest.raises(InvalidTag):
        xaes_decrypt(key, nonce, bytes.fromhex(ciphertext), bound + b"x")


def test_ten_thousand_random_encryptions_are_the_published_ones():
    stream = memoryview(hashlib.shake_128(b"").digest(10_000 * (32 + 24 + 2 * 256)))
    at = 0

    def take(size: int) -> bytes:
        nonlocal at
        at += size
        return bytes(stream[at - size : at])

    total = hashlib.shake_128()
    for _ in range(10_000):
        key, nonce = take(32), take(24)
        plaintext = take(take(1)[0])
        bound = take(take(1)[0])
        total.update(sealing.xaes_encrypt(key, nonce, plaintext, bound))

    assert total.hexdigest(32) == "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939"


# --- records ----------------------------------------------------------------------------------


@properties
@given(st.binary(max_size=300))
def test_what_is_sealed_opens_again(payload):
    assert open_record(RING, HEADER, seal(RING, HEADER, payload)) == payload


@pytest.mark.parametrize("size", [0, 1, 61, 62, 63, 126, 127, LONGEST, PAYLOAD_LONGEST])
def test_a_record_of_any_size_opens_again(size):
    payload = os.urandom(size)

    record = seal(RING, HEADER, payload)

    assert open_record(RING, HEADER, record) == payload
    assert (len(record) - len(b"SQ\x01\x03old") - NONCE - TAG) % BUCKET == 0


def test_a_longer_one_is_refused():
    with pytest.raises(SealError) as caught:
        seal(RING, HEADER, bytes(PAYLOAD_LONGEST + 1))
    assert caught.value.code == "bad_format"


def test_lengths_within_a_bucket_look_the_same():
    assert len({len(seal(RING, HEADER, b"x" * size)) for size in range(63)}) == 1


def test_the_same_payload_never_looks_the_same():
    records = {seal(RING, HEADER, PAYLOAD) for _ in range(200)}
    nonces = {record[7 : 7 + NONCE] for record in records}

    assert len(records) == len(nonces) == 200


def test_a_series_shares_the_first_half_of_its_nonces_and_never_the_second():
    start = len(RING.active) + 4
    nonces = [seal(RING, HEADER, PAYLOAD)[start : start + NONCE] for _ in range(4 * sealing.SERIES)]
    halves = [nonce[:12] for nonce in nonces]
    assert 4 <= len(set(halves)) <= 5
    assert max(halves.count(half) for half in set(halves)) <= sealing.SERIES
    assert len({nonce[12:] for nonce in nonces}) == len(nonces)


def test_threads_and_forks_that_share_a_series_draw_other_second_halves():
    nonces = sealing._Nonces()
    with ThreadPoolExecutor(8) as pool:
        drawn = [*pool.map(lambda _: nonces.draw(), range(5_000))]
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writer, b"".join(nonces.draw() for _ in range(500)))
        os._exit(0)
    drawn += [nonces.draw() for _ in range(500)]
    os.waitpid(child, 0)
    other = os.read(reader, 500 * NONCE)
    drawn += [other[at : at + NONCE] for at in range(0, len(other), NONCE)]
    assert len(set(drawn)) == len(drawn) == 6_000


def test_a_record_shows_nothing_of_its_payload():
    record = seal(RING, HEADER, PAYLOAD)

    assert not any(PAYLOAD[at : at + 4] in record for at in range(len(PAYLOAD) - 4))


def test_every_flipped_bit_is_refused():
    record = seal(RING, HEADER, PAYLOAD)
    codes = set()

    for at in range(len(record)):
        for bit in range(8):
            codes.add(refusal(record[:at] + bytes([record[at] ^ 1 << bit]) + record[at + 1 :]))

    assert codes == {"bad_format", "unknown_key", "bad_seal"}


def test_every_truncation_and_every_addition_is_refused():
    record = seal(RING, HEADER, PAYLOAD)

    for size in range(len(record)):
        assert refusal(record[:size]) in {"bad_format", "bad_seal", "unknown_key"}
    assert refusal(record + b"\x00") == "bad_seal"
    assert refusal(record + bytes(BUCKET)) == "bad_seal"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"id": "00AbCdEfGhIjKlMnOq"}, id="a payload swapped with another message's"),
        pytest.param({"tenant": "t2"}, id="another tenant"),
        pytest.param({"category": "otp"}, id="a category without quiet hours"),
        pytest.param({"lane": "otp"}, id="a faster lane"),
        pytest.param({"campaign": ""}, id="no campaign, so that cancelling it misses this one"),
        pytest.param({"created": HEADER.created + 1}, id="a second younger"),
        pytest.param({"deadline": HEADER.deadline + 1}, id="a millisecond more to live"),
        pytest.param({"tenant": "t", "category": "1reminder"}, id="a letter moved across a field's border"),
        pytest.param({"tenant": "t18:reminder", "category": ""}, id="a length written into a field"),
        pytest.param({"created": 179_545_000, "deadline": 1_795_453_600_000}, id="a digit less"),
    ],
)
def test_a_changed_header_is_refused(changes):
    assert refusal(seal(RING, HEADER, PAYLOAD), header=HEADER._replace(**changes)) == "bad_seal"


def test_every_field_of_the_header_is_bound():
    record = seal(RING, HEADER, PAYLOAD)

    for field, value in HEADER._asdict().items():
        other = value + 1 if isinstance(value, int) else value + "x"
        assert refusal(record, header=HEADER._replace(**{field: other})) == "bad_seal", field


@properties
@given(st.one_of(st.binary(max_size=200), st.binary(max_size=200).map(lambda tail: b"SQ\x01\x03old" + tail)))
def test_any_bytes_are_refused_by_one_of_three_names(record):
    assert refusal(record) in {"bad_format", "unknown_key", "bad_seal"}


@pytest.mark.parametrize(
    "framed",
    [
        pytest.param((63).to_bytes(2, "big") + bytes(62), id="a length beyond the end"),
        pytest.param((3).to_bytes(2, "big") + b"abcd" + bytes(58), id="padding that is not zeros"),
    ],
)
def test_a_genuine_record_that_is_badly_framed_is_refused(framed):
    head, nonce = b"SQ\x01\x03old", bytes(NONCE)
    bound = head + sealing._bound(HEADER)

    record = head + nonce + sealing.xaes_encrypt(RING.payload_key("old"), nonce, framed, bound)

    assert refusal(record) == "bad_format"


# --- keys -------------------------------------------------------------------------------------


def test_an_old_record_opens_after_the_active_key_has_changed():
    record = seal(RING, HEADER, PAYLOAD)
    rotated = Keyring(active="new", roots={"new": NEW, "old": OLD}, subjects=SUBJECTS)

    assert open_record(rotated, HEADER, record) == PAYLOAD
    assert (key_id(record), key_id(seal(rotated, HEADER, PAYLOAD))) == ("old", "new")


def test_a_missing_key_is_told_from_a_broken_seal():
    record = seal(RING, HEADER, PAYLOAD)

    assert refusal(record, ring=Keyring(active="new", roots={"new": NEW}, subjects=SUBJECTS)) == "unknown_key"


def test_another_key_of_the_same_id_opens_nothing():
    record = seal(RING, HEADER, PAYLOAD)

    assert refusal(record, ring=Keyring(active="old", roots={"old": NEW}, subjects=SUBJECTS)) == "bad_seal"


def test_the_same_root_under_another_id_opens_nothing():
    record = seal(RING, HEADER, PAYLOAD)
    renamed = Keyring(active="odd", roots={"odd": OLD}, subjects=SUBJECTS)

    assert refusal(record.replace(b"old", b"odd", 1), ring=renamed) == "bad_seal"


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"SQ\x01", id="only the magic"),
        pytest.param(b"SQ\x02\x03old" + bytes(200), id="a version of the future"),
        pytest.param(b"SQ\x01\xffold" + bytes(100), id="an id longer than the record"),
        pytest.param(b"SQ\x01\x03\xff\xfe\xfd" + bytes(200), id="an id that is not ASCII"),
        pytest.param(b"XX\x01\x03old" + bytes(200), id="something else"),
    ],
)
def test_what_is_no_record_has_no_key_id(record):
    with pytest.raises(SealError) as caught:
        key_id(record)
    assert caught.value.code == "bad_format"
