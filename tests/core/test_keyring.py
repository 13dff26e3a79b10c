"""The keyring: read only from files that are nobody else's, never overwritten, never shown."""

from __future__ import annotations

import base64
import copy
import json
import os
import pickle
import stat
from datetime import date
from typing import TYPE_CHECKING

import pytest

from smsqueue.errors import Misconfigured, SealError
from smsqueue.keyring import KEYRING_FILE, SUBJECT_FILE, Keyring, Purpose, SubjectKeys, token

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 11, 24)
ROOT, OTHER, SUBJECT = bytes(range(7, 39)), bytes(range(150, 182)), bytes(range(200, 232))


def text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def write(file: Path, content: object) -> Path:
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    file.chmod(0o600)
    return file


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Two files that are as they should be."""
    return (
        write(tmp_path / KEYRING_FILE, {"active": "new", "keys": {"new": text(ROOT), "old": text(OTHER)}}),
        write(tmp_path / SUBJECT_FILE, {"subject": text(SUBJECT)}),
    )


def refused(files: tuple[Path, Path]) -> str:
    """Return why the files cannot be loaded, after making sure that it tells no key."""
    with pytest.raises(Misconfigured) as caught:
        Keyring.load(*files)
    sentence = str(caught.value)
    for secret in (ROOT, OTHER, SUBJECT):
        assert text(secret) not in sentence
        assert secret.hex() not in sentence
    assert caught.value.__context__ is None
    return sentence


# --- files ------------------------------------------------------------------------------------


def test_both_files_are_read(files):
    keyring = Keyring.load(*files)

    assert (keyring.active, keyring.ids) == ("new", {"new", "old"})
    assert keyring.subject_key(Purpose.LOG) == SubjectKeys.load(files[1]).subject_key(Purpose.LOG)


def test_new_files_are_for_their_owner_only_and_can_be_loaded(tmp_path):
    before = os.umask(0)
    try:
        files = Keyring.init(tmp_path / "keys", TODAY)
    finally:
        os.umask(before)

    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(files[0].parent.stat().st_mode) == 0o700
    assert Keyring.load(*files).active == "k2026-11-24"


def test_two_new_keyrings_have_nothing_in_common(tmp_path):
    one, two = (Keyring.load(*Keyring.init(tmp_path / name, TODAY)) for name in ("one", "two"))

    assert one.payload_key(one.active) != two.payload_key(two.active)
    assert one.subject_key(Purpose.LOG) != two.subject_key(Purpose.LOG)


@pytest.mark.parametrize("existing", [KEYRING_FILE, SUBJECT_FILE])
def test_keys_are_never_overwritten(tmp_path, existing):
    (tmp_path / existing).write_text("precious")

    with pytest.raises(Misconfigured, match="never overwritten"):
        Keyring.init(tmp_path, TODAY)

    assert [file.name for file in tmp_path.iterdir()] == [existing]
    assert (tmp_path / existing).read_text() == "precious"


def test_keys_are_not_written_through_a_dangling_link(tmp_path):
    (tmp_path / KEYRING_FILE).symlink_to(tmp_path / "elsewhere")

    with pytest.raises((Misconfigured, FileExistsError)):
        Keyring.init(tmp_path, TODAY)

    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o777])
@pytest.mark.parametrize("which", [0, 1])
def test_a_file_that_others_may_touch_is_refused(files, which, mode):
    files[which].chmod(mode)

    sentence = refused(files)

    assert f"chmod 600 {files[which]}" in sentence


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_for_its_owner_is_read(files, mode):
    for file in files:
        file.chmod(mode)

    assert Keyring.load(*files).ids


def test_a_link_is_followed_and_its_target_has_to_be_private(files, tmp_path):
    link = tmp_path / "link.json"
    link.symlink_to(files[0])  # as secrets are mounted into containers

    assert Keyring.load(link, files[1]).active == "new"
    files[0].chmod(0o644)
    assert "chmod 600" in refused((link, files[1]))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda _: None, id="a file that is not there"),
        pytest.param(lambda path: path.mkdir(mode=0o700), id="a directory"),
        pytest.param(lambda path: os.mkfifo(path, 0o600), id="a pipe, which would never answer"),
        pytest.param(lambda path: path.symlink_to(path), id="a link to itself"),
        pytest.param(lambda path: path.symlink_to("/dev/null"), id="a link to a device"),
    ],
)
def test_what_is_no_file_is_refused(files, tmp_path, make):
    path = tmp_path / "odd"
    make(path)

    assert str(path) in refused((path, files[1]))
    assert str(path) in refused((files[0], path))


GOOD = text(ROOT)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="an empty file"),
        pytest.param("{", id="broken JSON"),
        pytest.param(GOOD, id="only a key"),
        pytest.param([GOOD], id="a list"),
        pytest.param("null", id="null"),
        pytest.param("\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), id="letters of another alphabet"),
        pytest.param({"active": "new"}, id="no keys"),
        pytest.param({"active": "new", "keys": {}}, id="an empty table of keys"),
        pytest.param({"active": "new", "keys": [GOOD]}, id="a list of keys"),
        pytest.param({"keys": {"new": GOOD}}, id="no active key"),
        pytest.param({"active": 1, "keys": {"1": GOOD}}, id="an active key that is a number"),
        pytest.param({"active": "old", "keys": {"new": GOOD}}, id="an active key that is not there"),
        pytest.param({"active": "new", "keys": {"new": 5}}, id="a key that is a number"),
        pytest.param({"active": "new", "keys": {"new": None}}, id="a key that is null"),
        pytest.param({"active": "new", "keys": {"new": "not base64!"}}, id="a key that is not base64"),
        pytest.param({"active": "new", "keys": {"new": GOOD + "é"}}, id="a key with a letter outside ASCII"),
        pytest.param({"active": "new", "keys": {"new": GOOD, "NEW": GOOD}}, id="an id in capitals"),
        pytest.param({"active": "", "keys": {"": GOOD}}, id="an empty id"),
        pytest.param({"active": "x" * 17, "keys": {"x" * 17: GOOD}}, id="an id of 17 characters"),
        pytest.param({"active": "a\n", "keys": {"a\n": GOOD}}, id="an id with a line end"),
    ],
)
def test_a_file_with_other_content_is_refused(files, content):
    write(files[0], content)

    assert refused(files)


def test_a_subject_file_in_the_place_of_the_keyring_is_refused(files):
    assert "active" in refused((files[1], files[1]))
    assert "subject" in refused((files[0], files[0]))


# --- weak keys --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "root",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(ROOT[:-1], id="31 bytes"),
        pytest.param(ROOT + b"\x00", id="33 bytes"),
        pytest.param(bytes(32), id="zeros"),
        pytest.param(b"\xff" * 32, id="ones"),
        pytest.param(bytes(range(8)) * 4, id="a pattern"),
        pytest.param(b"correct horse battery staple 1234", id="a passphrase of 33 letters"),
        pytest.param(b"correct horse battery staple 123", id="a passphrase of 32 letters"),
        pytest.param(b"0123456789abcdef0123456789abcdef", id="hexadecimal digits instead of bytes"),
    ],
)
def test_a_key_that_is_not_random_is_refused(files, root):
    write(files[0], {"active": "new", "keys": {"new": text(root)}})
    assert "keys init" in refused(files)

    write(files[0], {"active": "new", "keys": {"new": GOOD}})
    write(files[1], {"subject": text(root)})
    assert "keys init" in refused(files)


# --- what it shows ----------------------------------------------------------------------------


def everything(keyring: Keyring) -> list[bytes]:
    derived = [keyring.payload_key(kid) for kid in keyring.ids] + [keyring.subject_key(p) for p in Purpose]
    return [ROOT, OTHER, SUBJECT, *derived]


def test_only_ids_are_shown(files):
    keyring = Keyring.load(*files)
    shown = [f"{thing}{thing!r}" for thing in (keyring, keyring.subjects)]

    assert repr(keyring) == "<Keyring active=new ids=['new', 'old']>"
    assert repr(keyring.subjects) == "<SubjectKeys>"
    for secret in everything(keyring):
        assert not any(form in line for line in shown for form in (secret.hex(), text(secret), repr(secret)[2:-1]))


@pytest.mark.parametrize("write_down", [pickle.dumps, copy.copy, copy.deepcopy])
def test_keys_are_not_pickled(files, write_down):
    keyring = Keyring.load(*files)

    for thing in (keyring, keyring.subjects, [keyring], {"keys": keyring}):
        if write_down is copy.copy and isinstance(thing, list | dict):
            continue  # copies the list, not what is in it
        with pytest.raises(TypeError, match="keys are not pickled"):
            write_down(thing)


# --- what is derived --------------------------------------------------------------------------


def test_every_purpose_has_a_key_of_its_own(files):
    keyring = Keyring.load(*files)

    keys = everything(keyring)

    assert len(set(keys)) == len(keys)
    assert {len(key) for key in keys} == {32}


def test_the_same_files_give_the_same_keys(files):
    assert everything(Keyring.load(*files)) == everything(Keyring.load(*files))


def test_a_missing_key_says_so(files):
    with pytest.raises(SealError) as caught:
        Keyring.load(*files).payload_key("lost")
    assert caught.value.code == "unknown_key"


def test_a_generated_keyring_works_and_is_nobodys():
    one, two = Keyring.generate(), Keyring.generate()

    assert one.payload_key(one.active) != two.payload_key(two.active)
    assert one.subject_key(Purpose.CAP) != two.subject_key(Purpose.CAP)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        pytest.param(("ab", "c"), ("a", "bc"), id="a letter moved across the border"),
        pytest.param(("ab",), ("ab", ""), id="an empty part more"),
        pytest.param(("a", "b"), ("b", "a"), id="another order"),
        pytest.param(("1:a",), ("1", "a"), id="a length written into a part"),
    ],
)
def test_tokens_of_different_parts_differ(one, two):
    assert token(ROOT, *one, size=16) != token(ROOT, *two, size=16)


def test_a_token_is_stable_and_cut_to_size():
    assert token(ROOT, "a", "b", size=32) == token(ROOT, "a", "b", size=32)
    assert token(ROOT, "a", size=12) == token(ROOT, "a", size=32)[:12]
    assert token(ROOT, "a", size=12) != token(OTHER, "a", size=12)
