"""The mutants of one module: mutmut's operators, applied wherever they can change what the program does.

mutmut itself (3.8) leaves out what stands outside functions and below decorators, which here are tables and
validators. So its operators are used, and not its runner. Left out, because no test could tell:

* annotations, type aliases and what only type checkers import;
* the words of sentences for people: that they are right no program knows, and that they leak nothing is
  tested elsewhere. Three words are a sentence;
* the decorators of functions that remember their answers: how many they keep changes none of them;
* of several changes of one place that differ only in degree, all but one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import libcst as cst
from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper, ParentNodeProvider
from mutmut.mutation.mutators import mutation_operators

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_SENTENCE = re.compile(r"[A-Za-z']{2,}[,:;]? [A-Za-z']+[,:;]? [A-Za-z']+")
_REMEMBERS = re.compile(r"@(lru_)?cache\b")


class Mutant(NamedTuple):
    """One defect: a line as it is, and as it would be."""

    module: str  # core/calendar.py
    line: int
    was: str
    now: str
    source: str  # of the whole module

    @property
    def place(self) -> tuple[int, str, str]:
        """What tells it from the others of its module."""
        return self.line, self.was, self.now


def of(path: Path, module: str) -> list[Mutant]:
    """List the mutants of a file."""
    wrapper = MetadataWrapper(cst.parse_module(path.read_text("utf-8")), unsafe_skip_copy=True)
    tree, parents = wrapper.module, wrapper.resolve(ParentNodeProvider)
    spans = wrapper.resolve(ByteSpanPositionProvider)
    raw, before = tree.bytes, tree.code.splitlines()
    found: dict[tuple[int, str, str], Mutant] = {}
    for node in _nodes(tree):
        span = spans.get(node)
        start, end = (span.start, span.start + span.length) if span else (0, 0)
        plain = raw[start:end].decode() == tree.code_for_node(node)  # it stands there as it would be written
        for kind, operator in mutation_operators:
            if not isinstance(node, kind):
                continue
            for changed in _kept(node, operator(node)):
                if _words(node, changed, parents):
                    continue
                if plain and isinstance(node, cst.BaseExpression | cst.BaseSmallStatement | cst.ComparisonTarget):
                    source = (raw[:start] + tree.code_for_node(changed).encode() + raw[end:]).decode()
                else:
                    source = tree.deep_replace(node, changed).code
                mutant = _mutant(module, before, source)
                if mutant is not None:
                    found.setdefault(mutant.place, mutant)
    return sorted(found.values(), key=lambda one: one.line)


def _kept(node: cst.CSTNode, every: Iterable[cst.CSTNode]) -> Iterator[cst.CSTNode]:
    """Leave out what differs only in degree: a string in other letters, an argument left out instead of None."""
    for number, changed in enumerate(every):
        if isinstance(node, cst.SimpleString) and number:
            return
        if not isinstance(node, cst.Call) or not isinstance(changed, cst.Call) or len(changed.args) == len(node.args):
            yield changed


def _nodes(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Walk what is executed."""
    for child in node.children:
        match child:
            case cst.Annotation() | cst.Import() | cst.ImportFrom():
                continue
            case cst.If(test=cst.Name("TYPE_CHECKING")):
                continue
            case cst.AnnAssign(annotation=cst.Annotation(cst.Name("TypeAlias"))):
                continue
            case cst.Decorator() if _REMEMBERS.match(cst.Module([]).code_for_node(child).strip()):
                continue
        yield child
        yield from _nodes(child)


def _words(node: cst.CSTNode, changed: object, parents: Mapping[cst.CSTNode, cst.CSTNode]) -> bool:
    """Whether a change only spoils a sentence: a string of words, or the argument of an error that is one."""
    if isinstance(node, cst.SimpleString):
        top: cst.CSTNode = node
        while isinstance(parents.get(top), cst.ConcatenatedString):
            top = parents[top]
        return _is_sentence(top)
    if isinstance(node, cst.Call) and isinstance(changed, cst.Call):
        lost = [argument for argument in node.args if argument not in changed.args]
        return bool(lost) and all(_is_sentence(argument.value) for argument in lost)
    return False


def _is_sentence(node: cst.CSTNode) -> bool:
    match node:
        case cst.SimpleString(value=text):
            return _SENTENCE.search(text) is not None
        case cst.ConcatenatedString(left=left, right=right):
            return _is_sentence(left) or _is_sentence(right)
        case cst.FormattedString(parts=parts):
            text = "".join(part.value if isinstance(part, cst.FormattedStringText) else "it" for part in parts)
            return _SENTENCE.search(text) is not None
        case _:
            return False


def _mutant(module: str, before: list[str], source: str) -> Mutant | None:
    """Return the lines that differ; None when the change is none."""
    after = source.splitlines()
    first, last, end = 0, len(before), len(after)
    while first < min(last, end) and before[first] == after[first]:
        first += 1
    while min(last, end) > first and before[last - 1] == after[end - 1]:
        last, end = last - 1, end - 1
    was, now = (" ".join("\n".join(part).split()) for part in (before[first:last], after[first:end]))
    return Mutant(module, first + 1, was, now, source) if was != now else None
