"""Annotation types of parameters: evaluated when a function is defined, read when it is called."""

from __future__ import annotations

from typing import Any

from pypto import _core
from pypto._errors import error

DType = _core.DType


class DynVar:
    """A dimension that is known at call time: `T = pl.dynamic("T")`.

    Inside a call it has the extent of the argument it was matched with, and works as an int.
    """

    def __init__(self, name: str) -> None:
        if not name.isidentifier():
            raise error(f"pl.dynamic: {name!r} is not an identifier", "python.dynamic-name")
        self.name = name
        self.extent: int | None = None

    def value(self) -> int:
        if self.extent is None:
            raise error(
                f"dynamic dimension {self.name} has no extent here: no argument's annotation "
                "contains it", "python.dynamic-unbound")
        return self.extent

    def __index__(self) -> int:
        return self.value()

    __int__ = __index__

    def __repr__(self) -> str:
        return self.name

    # Arithmetic inside annotations gives a DimExpr; inside a call, plain numbers come out.
    def __add__(self, other: Any) -> Any:
        return _combine(self, "+", other)

    def __radd__(self, other: Any) -> Any:
        return _combine(other, "+", self)

    def __sub__(self, other: Any) -> Any:
        return _combine(self, "-", other)

    def __rsub__(self, other: Any) -> Any:
        return _combine(other, "-", self)

    def __mul__(self, other: Any) -> Any:
        return _combine(self, "*", other)

    def __rmul__(self, other: Any) -> Any:
        return _combine(other, "*", self)

    def __floordiv__(self, other: Any) -> Any:
        return _combine(self, "//", other)

    def __rfloordiv__(self, other: Any) -> Any:
        return _combine(other, "//", self)

    def __mod__(self, other: Any) -> Any:
        return _combine(self, "%", other)

    def __rmod__(self, other: Any) -> Any:
        return _combine(other, "%", self)


class DimExpr(DynVar):
    """Arithmetic over dynamic dimensions, e.g. `[B * 2, D]`."""

    def __init__(self, left: Any, operator: str, right: Any) -> None:
        self.left, self.operator, self.right = left, operator, right
        self.name = f"({left} {operator} {right})"

    def value(self) -> int:
        return _OPERATORS[self.operator](int(self.left), int(self.right))


_OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
}


def _combine(left: Any, operator: str, right: Any) -> Any:
    known = all(not isinstance(x, DynVar) or _is_known(x) for x in (left, right))
    return _OPERATORS[operator](int(left), int(right)) if known else DimExpr(left, operator, right)


def _is_known(dim: DynVar) -> bool:
    if isinstance(dim, DimExpr):
        return all(not isinstance(x, DynVar) or _is_known(x) for x in (dim.left, dim.right))
    return dim.extent is not None


def dynamic(name: str) -> DynVar:
    return DynVar(name)


class TensorType:
    """`pl.Tensor[[dims], dtype]`, and `pld.DistributedTensor[...]` with `distributed` set."""

    def __init__(self, shape: Any, dtype: Any, distributed: bool = False) -> None:
        self.shape = tuple(shape) if shape is not None else None
        self.dtype = dtype
        self.distributed = distributed

    def __repr__(self) -> str:
        kind = "pld.DistributedTensor" if self.distributed else "pl.Tensor"
        shape = "[" + ", ".join(str(d) for d in self.shape or ()) + "]"
        return f"{kind}[{shape}, {self.dtype}]"


class ScalarType:
    """`pl.Scalar[dtype]`."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype

    def __repr__(self) -> str:
        return f"pl.Scalar[{self.dtype}]"


class DirectedType:
    """`pl.Out[T]` ("out") and `pl.InOut[T]` ("inout")."""

    def __init__(self, inner: Any, role: str) -> None:
        self.inner, self.role = inner, role

    def __repr__(self) -> str:
        return f"pl.{'Out' if self.role == 'out' else 'InOut'}[{self.inner!r}]"


class TupleType:
    """`pl.Tuple[...]`, `pl.Array[...]`, `pl.Tile[...]`: accepted, not used."""

    def __init__(self, parameters: Any) -> None:
        self.parameters = parameters


def _split(parameters: Any) -> tuple[Any, Any]:
    """([dims], dtype, layout...) or just [dims]."""
    if isinstance(parameters, tuple):
        return parameters[0], parameters[1] if len(parameters) > 1 else None
    return parameters, None


class Tensor:
    """A GM tensor. In an annotation: `pl.Tensor[[dims], dtype]`, or bare for any shape."""

    def __class_getitem__(cls, parameters: Any) -> TensorType:
        return TensorType(*_split(parameters))


class DistributedTensor:
    """A window of the ranks. In an annotation: `pld.DistributedTensor[[dims], dtype]`."""

    def __class_getitem__(cls, parameters: Any) -> TensorType:
        return TensorType(*_split(parameters), distributed=True)


class Scalar:
    def __class_getitem__(cls, dtype: Any) -> ScalarType:
        return ScalarType(dtype)


class Out:
    def __class_getitem__(cls, inner: Any) -> DirectedType:
        return DirectedType(inner, "out")


class InOut:
    def __class_getitem__(cls, inner: Any) -> DirectedType:
        return DirectedType(inner, "inout")


class Array:
    def __class_getitem__(cls, parameters: Any) -> TupleType:
        return TupleType(parameters)


class Tile(Array):
    pass


class Tuple(Array):
    pass
