"""Class-style programs: `@pl.program` over methods marked `@pl.function`."""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable
from typing import Any

from pypto._errors import error
from pypto.jit import registry, rewrite, signature
from pypto.jit.function import InCoreFunction


class FunctionType(enum.Enum):
    Opaque = "opaque"
    Orchestration = "orchestration"
    InCore = "incore"
    Inline = "inline"
    Helper = "helper"


class Role(enum.Enum):
    Orchestrator = "orchestrator"
    Worker = "worker"
    SubWorker = "subworker"


class _Method:
    """A function of a program, before the program exists."""

    def __init__(self, function: Callable[..., Any], kind: FunctionType) -> None:
        self.function = function
        self.kind = kind

    def bound(self, program: Program) -> Callable[..., Any]:
        if self.kind is FunctionType.InCore:
            return functools.partial(InCoreFunction(self.function), program)
        return functools.partial(rewrite.rewritten(self.function), program)


def function(func: Callable[..., Any] | None = None, *,
             type: FunctionType = FunctionType.Opaque,  # noqa: A002 - upstream's name
             **_placement: Any) -> Any:
    """Marks a method of a pl.program; `level` and `role` have no effect."""
    if func is not None:
        return _Method(func, type)
    return lambda f: _Method(f, type)


class Program:
    """A program class, made usable: `entry` is its orchestration function, bound to it."""

    def __init__(self, cls: type) -> None:
        methods = {n: m for n, m in vars(cls).items() if isinstance(m, _Method)}
        if not methods:
            raise error(f"pl.program {cls.__name__} has no @pl.function", "python.program")
        self.__name__ = cls.__name__
        for name, method in methods.items():
            setattr(self, name, method.bound(self))
        self.entry = _Entry(self, cls, _entry_of(methods))

    @property
    def name(self) -> str:
        return self.__name__

    def as_python(self) -> str:
        raise error("the intermediate form of a program is not available here: programs run from "
                    "their source", "python.no-ir")


def _entry_of(methods: dict[str, _Method]) -> _Method:
    """The orchestration function; without one, the last function that is not a kernel."""
    for method in methods.values():
        if method.kind is FunctionType.Orchestration:
            return method
    callers = [m for m in methods.values()
               if m.kind not in (FunctionType.InCore, FunctionType.Inline)]
    return callers[-1] if callers else list(methods.values())[-1]


class _Entry:
    """A program's entry, with what execution asks of a JITFunction."""

    auto_scope = True

    def __init__(self, program: Program, cls: type, method: _Method) -> None:
        self.__name__ = cls.__name__
        self.__qualname__ = f"{cls.__qualname__}.{method.function.__name__}"
        self.source_file = method.function.__code__.co_filename
        self.parameters = signature.parameters_of(method.function)
        self.body = method.bound(program)
        registry.add(self)


def program(cls: type | None = None, **_options: Any) -> Any:
    """Class decorator."""
    return Program(cls) if cls is not None else Program
