"""`import pypto.language as pl`: the names of the kernel language.

Operations, scopes, loops and types come from `_core`; here are the decorators, the annotation types
and the namespaces. An unknown name is an error that names file, line and the closest names.
"""

from __future__ import annotations

import builtins
import dataclasses
import enum
import sys
from typing import Any

from pypto import _core
from pypto._annotations import Array, DynVar, InOut, Out, Scalar, Tensor, Tile, Tuple, dynamic
from pypto._errors import error, unknown_name
from pypto.jit import JITFunction, jit
from pypto.jit.function import InCoreFunction
from pypto.language import _namespace
from pypto.language.program import FunctionType, Program, Role, function, program

_ANNOTATIONS = {"Tensor", "Tile", "Scalar", "Array", "Tuple"}
globals().update({n: v for n, v in _namespace.names().items() if n not in _ANNOTATIONS})

tile = _namespace.Namespace("pl.tile", {
    **_namespace.operations("tile", create="create_tile"), "MaskPattern": _core.MaskPattern})
tensor = _namespace.Namespace("pl.tensor",
                              _namespace.operations("tensor", create="create_tensor"))
system = _namespace.Namespace(
    "pl.system", {"syncall": _core.syncall, "task_dummy": _core.task_dummy})


def _array_create(size: int, dtype: Any) -> list[Any]:
    """Scalar slots of a function; those of task ids are empty until a task is stored."""
    return [None if dtype == _core.TASK_ID else 0] * size


array = _namespace.Namespace("pl.array", {"create": _array_create})


def _async_prefetch(source: Any, context: Any = None) -> None:
    """Warms the L2 cache with a tensor; no effect on values."""
    del context
    _core.prefetch(source)


prefetch = _namespace.Namespace("pl.prefetch", {
    "make_context": lambda *_args, **_options: None, "async_prefetch": _async_prefetch})

min, max = builtins.min, builtins.max  # of scalars: values are known while a program runs


class Level(enum.Enum):
    """Where a function or a scope runs; no effect, a scope is always one of a core group."""

    CORE_GROUP = "core group"
    CHIP = "chip"
    HOST = "host"


def const(value: Any, dtype: Any = None) -> Any:
    """A scalar constant; its element type shows where it is stored."""
    del dtype
    return value


@dataclasses.dataclass(frozen=True)
class _NoDep:
    tensor: Any


def no_dep(argument: Any) -> Any:
    """Marks an argument of submit and spmd_submit as outside dependency tracking."""
    return _NoDep(argument)


IntLike = int
DataType = _core.DType

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
    args = tuple(a.tensor if isinstance(a, _NoDep) else a for a in args)
    return kernel.submit(core_num, options, args)


def submit(kernel: InCoreFunction, *args: Any, **options: Any) -> Any:
    """Launches a jit.incore function as one task of one block: (its result, the task id)."""
    return spmd_submit(kernel, *args, core_num=1, **options)


def static_assert(condition: Any, message: str = "") -> None:
    """A check of constants; a false one ends the program."""
    if not condition:
        raise error(f"static assertion failed{': ' + message if message else ''}",
                    "python.static-assert")


def static_print(*values: Any) -> None:
    print(*values)


def __getattr__(name: str) -> Any:
    raise unknown_name("pl", name, vars(sys.modules[__name__]))


__all__ = ["Array", "DynVar", "FunctionType", "InOut", "JITFunction", "Level", "Out", "Program",
           "Role", "Scalar", "Tensor", "Tile", "Tuple", "array", "const", "dynamic", "function",
           "jit", "max", "min", "no_dep", "prefetch", "program", "spmd_submit", "static_assert",
           "static_print", "submit", "system", "tensor", "tile", *sorted(_namespace.names())]
