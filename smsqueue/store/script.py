"""One Lua script: its source, its name at the server, and calling it."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from redis.exceptions import NoScriptError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis import Redis


@lru_cache(maxsize=1)
def _lib() -> str:
    return resources.files(__package__).joinpath("lib.lua").read_text("utf-8")


class Script:
    """A script of this folder. Its first line names its flags; `lib.lua` goes between that line and the rest."""

    def __init__(self, name: str) -> None:
        source = resources.files(__package__).joinpath(f"{name}.lua").read_text("utf-8")
        shebang, _, body = source.partition("\n")
        self.source = f"{shebang}\n{_lib()}\n{body}"
        self.sha = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    def __call__(self, redis: Redis, keys: Sequence[str], args: Sequence[Any]) -> list[Any]:
        """Run it; load it first if the server does not know it (new, restarted or failed over)."""
        command = ("EVALSHA", self.sha, len(keys), *keys, *args)
        try:
            answer: list[Any] = redis.execute_command(*command)
        except NoScriptError:
            redis.execute_command("SCRIPT LOAD", self.source)
            answer = redis.execute_command(*command)
        return answer
