"""`import pypto.language as pl`: the names of the kernel language.

Operations, scopes, loops and types come from `_core`; here are the decorators, the annotation types
and the namespaces. An unknown name is an error that names file, line and the closest names.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from typing import Any

from pypto import _core
from pypto._annotations import Array, DynVar, InOut, Out, Scalar, Tensor, Tile, Tuple, dynamic
from pypto._errors import error, unknown_name
from pypto.jit import JITFunction, jit
from pypto.jit.function import InCoreFunction
from pypto.language import _namespace
from pypto.language.program import FunctionType, Program, Role, function, program

_annotation_types = {"Tensor", "Tile", "Scalar", "Array", "Tuple"}
globals().update({n: v for n, v in _namespace.plain_names().items() if n not in _annotation_types})

tile = _namespace.Namespace(
    "pl.tile", {**_namespace.operations(), **_namespace.prefixed_names("tile")})
tensor = _namespace.Namespace(
    "pl.tensor", {**_namespace.operations(), **_namespace.prefixed_names("tensor")})
system = _namespace.Namespace("pl.system", _namespace.prefixed_names("system"))
prefetch = _namespace.Namespace("pl.prefetch", _namespace.prefixed_names("prefetch"))
array = _namespace.Namespace("pl.array", _namespace.prefixed_names("array"))

IntLike = int
DataType = _core.DType


@dataclasses.dataclass(frozen=True)
class _NoDep:
    tensor: Any


def no_dep(argument: Any) -> Any:
    """Marks an argument of submit and spmd_submit as outside dependency tracking."""
    return _NoDep(argument)


_LAUNCH_OPTIONS = {"deps", "name_hint", "sync_start", "allow_early_resolve", "optimizations"}


def spmd_submit(kernel: InCoreFunction, *args: Any, core_num: int, **options: Any) -> Any:
    """Launches a jit.incore function as one task of core_num blocks: (its result, the task id)."""
    if not isinstance(kernel, InCoreFunction):
        raise error("pl.spmd_submit launches a @pl.jit.incore function", "python.submit")
    unknown = sorted(set(options) - _LAUNCH_OPTIONS)
    if unknown:
        raise error(f"pl.spmd_submit has no option {unknown[0]!r}; there are core_num, "
                    f"{', '.join(sorted(_LAUNCH_OPTIONS))}", "python.submit")
    options.setdefault("name_hint", kernel.__name__)
    options["no_dep"] = [a.tensor for a in args if isinstance(a, _NoDep)]
    arguments = tuple(a.tensor if isinstance(a, _NoDep) else a for a in args)
    return kernel.submit(core_num, options, arguments)


def submit(kernel: InCoreFunction, *args: Any, **options: Any) -> Any:
    """Launches a jit.incore function as one task of one block: (its result, the task id)."""
    return spmd_submit(kernel, *args, core_num=1, **options)


def inline(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that runs as a part of its caller: the spelling of class programs."""
    return jit.inline(function)


def static_assert(condition: Any, message: str = "") -> None:
    """A check of constants; a false one ends the program."""
    if not condition:
        raise error(f"static assertion failed{': ' + message if message else ''}",
                    "python.static-assert")


def static_print(*values: Any) -> None:
    print(*values)


def __getattr__(name: str) -> Any:
    raise unknown_name("pl", name, vars(sys.modules[__name__]))


__all__ = ["Array", "DynVar", "FunctionType", "InOut", "JITFunction", "Out", "Program", "Role",
           "Scalar", "Tensor", "Tile", "Tuple", "dynamic", "function", "inline", "jit", "program",
           *sorted(_namespace.plain_names())]
