"""Keys: payload roots that come and go, and one subject root that must outlive them.

Payload roots seal messages; each has an id, one is active. The subject root names people under keyed hashes.
They are kept apart so that destroying a payload key forgets messages and never who must not be written to.
Idempotency comes from the subject root, too: a new payload key must not turn a repeated request into a second
message.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import os
import re
import stat
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NoReturn

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from smsqueue.errors import Misconfigured, SealError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

SIZE = 32
KEYRING_FILE = "keyring.json"
SUBJECT_FILE = "subject.json"

_KID = re.compile(r"[a-z0-9][a-z0-9_-]{0,15}")
_DISTINCT = 12
"""A random key of 32 bytes has fewer distinct ones about once in 10^16."""


class Purpose(StrEnum):
    """What a subject key is for: one key each, so that tokens of two purposes cannot be joined."""

    IDEMPOTENCY = "idempotency"
    FINGERPRINT = "fingerprint"
    BUCKET = "bucket"
    SUPERSEDE = "supersede"
    WEBHOOK = "webhook"
    SUPPRESS = "suppress"
    CAP = "cap"
    LOG = "log"


def token(key: bytes, *parts: str, size: int) -> bytes:
    """Return the first `size` bytes of an HMAC-SHA-256 over parts, each with its length in front."""
    message = "".join([f"{len(part)}:{part}" for part in parts]).encode()
    return hmac.digest(key, message, "sha256")[:size]


class _Closed:
    """Never pickled, so never in a queue, a cache or a crash report."""

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are not pickled")


class SubjectKeys(_Closed):
    """The subject root's keys: all that a process needs which opens no payload."""

    def __init__(self, root: bytes) -> None:
        _sound("subject key", root)
        self._keys = {purpose: _derive(root, purpose.value, "subject") for purpose in Purpose}

    @classmethod
    def load(cls, file: Path) -> SubjectKeys:
        """Read the subject file. Raises Misconfigured naming the file and what to do."""
        content = _read(file)
        return cls(_root(file, content.get("subject"), "subject"))

    def subject_key(self, purpose: Purpose) -> bytes:
        """Return the key of one purpose."""
        return self._keys[purpose]

    def __repr__(self) -> str:
        return "<SubjectKeys>"


class Keyring(_Closed):
    """Payload keys by id, and the subject keys. Shows ids only."""

    def __init__(self, *, active: str, roots: Mapping[str, bytes], subjects: SubjectKeys) -> None:
        if active not in roots:
            raise Misconfigured(f"The keyring's active key {active!r} is not among its keys.")
        for kid, root in roots.items():
            if _KID.fullmatch(kid) is None:
                raise Misconfigured("A key id has 1 to 16 characters: small letters, digits, - and _.")
            _sound(f"key {kid}", root)
        self.active = active
        self.subjects = subjects
        self._keys = {kid: _derive(root, "payload", kid) for kid, root in roots.items()}

    @property
    def ids(self) -> frozenset[str]:
        """The ids of all payload keys."""
        return frozenset(self._keys)

    @classmethod
    def load(cls, keyring_file: Path, subject_file: Path) -> Keyring:
        """Read both files. Raises Misconfigured naming file and mistake, never content."""
        content = _read(keyring_file)
        active, keys = content.get("active"), content.get("keys")
        if not isinstance(active, str) or not isinstance(keys, dict) or not keys:
            raise Misconfigured(f'{keyring_file}: it has the form {{"active": id, "keys": {{id: key}}}}. {_ADVICE}')
        roots = {str(kid): _root(keyring_file, key, str(kid)) for kid, key in keys.items()}
        return cls(active=active, roots=roots, subjects=SubjectKeys.load(subject_file))

    @classmethod
    def generate(cls) -> Keyring:
        """Make keys that nobody keeps: for tests and dry runs."""
        return cls(active="generated", roots={"generated": os.urandom(SIZE)}, subjects=SubjectKeys(os.urandom(SIZE)))

    @classmethod
    def init(cls, directory: Path, today: date) -> tuple[Path, Path]:
        """Write new keys into two new files, readable by their owner only. Raises Misconfigured if it may not."""
        kid = f"k{today.isoformat()}"
        files = directory / KEYRING_FILE, directory / SUBJECT_FILE
        for file in files:
            if file.exists():
                raise Misconfigured(
                    f"{file} exists: keys are never overwritten, messages could not be opened any more."
                )
        refused = ""
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(files[0], {"active": kid, "keys": {kid: _text(os.urandom(SIZE))}})
            _write(files[1], {"subject": _text(os.urandom(SIZE))})
        except OSError as error:
            refused = error.strerror or type(error).__name__
        if refused:
            raise Misconfigured(
                f"{directory}: the keys could not be written there ({refused}). Name a folder that you may write to."
            )
        return files

    def payload_key(self, kid: str) -> bytes:
        """Return a payload key. Raises SealError `unknown_key`: its message waits, it is not broken."""
        key = self._keys.get(kid)
        if key is None:
            raise SealError("unknown_key")
        return key

    def subject_key(self, purpose: Purpose) -> bytes:
        """Return the subject key of one purpose."""
        return self.subjects.subject_key(purpose)

    def __repr__(self) -> str:
        return f"<Keyring active={self.active} ids={sorted(self._keys)}>"


_ADVICE = "Write new ones with `smsqueue keys init DIRECTORY`."


def _derive(root: bytes, purpose: str, name: str) -> bytes:
    return HKDF(hashes.SHA256(), SIZE, None, f"smsqueue/v1/{purpose}/{name}".encode()).derive(root)


def _sound(what: str, root: bytes) -> None:
    """Refuse what is no random key: wrong length, zeros, a pattern, a passphrase."""
    if len(root) != SIZE:
        raise Misconfigured(f"The {what} has {len(root)} bytes instead of {SIZE}. {_ADVICE}")
    if len(set(root)) < _DISTINCT or all(0x20 <= byte < 0x7F for byte in root):  # noqa: PLR2004 - printable ASCII
        raise Misconfigured(f"The {what} is no random key: zeros, a pattern or a passphrase. {_ADVICE}")


def _root(file: Path, value: object, name: str) -> bytes:
    root = None
    if isinstance(value, str):
        try:
            root = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            root = None
    if root is None:
        raise Misconfigured(f"{file}: {name} is not base64. {_ADVICE}")
    return root


def _read(file: Path) -> dict[str, Any]:
    problem, content = "", None
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)  # a pipe does not hold us up
        with os.fdopen(descriptor, "rb") as opened:
            status = os.fstat(opened.fileno())
            if not stat.S_ISREG(status.st_mode):
                problem = "it is not a regular file"
            elif status.st_mode & 0o077:
                problem = f"others than its owner may read it: chmod 600 {file}"
            else:
                content = json.loads(opened.read())
    except (OSError, ValueError) as error:
        problem = f"it cannot be read ({type(error).__name__}). {_ADVICE}"
    if not problem and not isinstance(content, dict):
        problem = f"it is not a JSON object. {_ADVICE}"
    if problem or not isinstance(content, dict):
        raise Misconfigured(f"{file}: {problem}")
    return content


def _write(file: Path, content: Mapping[str, object]) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        json.dump(content, opened)
        opened.write("\n")
        opened.flush()
        os.fsync(opened.fileno())


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
