"""Parameters of an entry: what its annotations say and what a call passes."""

from __future__ import annotations

import ctypes
import inspect
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from pypto import _annotations as ann
from pypto import _core
from pypto._errors import error

_DTYPES = {
    torch.float32: _core.FP32,
    torch.bfloat16: _core.BF16,
    torch.float16: _core.FP16,
    torch.int8: _core.INT8,
    torch.int16: _core.INT16,
    torch.int32: _core.INT32,
    torch.int64: _core.INT64,
    torch.uint8: _core.UINT8,
    torch.bool: _core.BOOL,
}
for _name, _dtype in (("uint16", _core.UINT16), ("uint32", _core.UINT32)):
    if hasattr(torch, _name):  # torch 2.3 and newer
        _DTYPES[getattr(torch, _name)] = _dtype


def core_dtype(dtype: torch.dtype, what: str) -> Any:
    try:
        return _DTYPES[dtype]
    except KeyError:
        raise error(f"{what} has {dtype}, which no kernel takes", "python.dtype") from None


def torch_dtype(dtype: Any) -> torch.dtype | None:
    """The torch type of a kernel element type; None where torch has none."""
    for candidate, ours in _DTYPES.items():
        if ours == dtype:
            return candidate
    if dtype == _core.UINT32:
        return torch.int32  # same bytes
    return torch.int16 if dtype == _core.UINT16 else None


@dataclass(frozen=True)
class TensorMeta:
    """Shape and element type a program is specialised for."""

    shape: tuple[int, ...]
    dtype: Any


@dataclass(frozen=True)
class Parameter:
    """One parameter of a program: role is "in", "out" or "inout"; dtype of scalars and tensors."""

    name: str
    role: str
    kind: str  # "tensor", "scalar" or "any" (no annotation)
    type: Any

    @property
    def dtype(self) -> Any:
        return getattr(self.type, "dtype", None)

    @property
    def shape(self) -> list[Any] | None:
        shape = getattr(self.type, "shape", None)
        return list(shape) if shape is not None else None


def parameters_of(function: Callable[..., Any]) -> list[Parameter]:
    """All parameters but self, from the annotations (strings are evaluated)."""
    namespace = None
    result = []
    for name, parameter in inspect.signature(function).parameters.items():
        if name == "self":
            continue
        annotation = parameter.annotation
        if isinstance(annotation, str):
            namespace = namespace or _namespace(function)
            annotation = _evaluate(annotation, namespace)
        result.append(_parameter(name, annotation))
    return result


def _parameter(name: str, annotation: Any) -> Parameter:
    role = "in"
    if isinstance(annotation, ann.DirectedType):
        role, annotation = annotation.role, annotation.inner
    if isinstance(annotation, ann.TensorType) or annotation in (ann.Tensor, ann.DistributedTensor):
        return Parameter(name, role, "tensor", annotation)
    if isinstance(annotation, ann.ScalarType):
        return Parameter(name, role, "scalar", annotation)
    if isinstance(annotation, _core.DType):
        return Parameter(name, role, "scalar", ann.ScalarType(annotation))
    return Parameter(name, role, "any", None)


def _namespace(function: Callable[..., Any]) -> dict[str, Any]:
    names = dict(function.__globals__)
    names.update(inspect.getclosurevars(function).nonlocals)
    return names


def _evaluate(text: str, namespace: dict[str, Any]) -> Any:
    """A `from __future__ import annotations` annotation; it is the user's own source."""
    try:
        return eval(text, namespace)  # noqa: S307
    except Exception:  # noqa: BLE001 - a name that exists for type checkers only
        return inspect.Parameter.empty


def bind(
    function: Callable[..., Any], parameters: list[Parameter], args: tuple[Any, ...],
    kwargs: dict[str, Any], name: str,
) -> dict[str, Any]:
    """Arguments by parameter name, defaults applied."""
    signature = inspect.signature(function)
    if "self" in signature.parameters:
        signature = signature.replace(
            parameters=[p for n, p in signature.parameters.items() if n != "self"])
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as problem:
        raise error(f"{name}: {problem}", "python.call") from None
    bound.apply_defaults()
    return {p.name: bound.arguments[p.name] for p in parameters}


def tensor_meta(arguments: dict[str, Any]) -> dict[str, TensorMeta]:
    return {
        name: TensorMeta(tuple(value.shape), core_dtype(value.dtype, f"argument {name}"))
        for name, value in arguments.items()
        if isinstance(value, torch.Tensor) and value.dim() > 0
    }


def scalar_value(value: Any, parameter: Parameter) -> Any:
    """The Python number of a scalar argument: number, 0-dim tensor or ctypes value.

    A 16-bit float arrives as the c_uint16 of its bits (golden/spec.py of every checkout).
    """
    if isinstance(value, torch.Tensor):
        return value.item()
    if isinstance(value, ctypes._SimpleCData):
        bits = value.value
        if isinstance(value, ctypes.c_uint16) and parameter.dtype == _core.BF16:
            return struct.unpack("<f", struct.pack("<I", bits << 16))[0]
        if isinstance(value, ctypes.c_uint16) and parameter.dtype == _core.FP16:
            return struct.unpack("<e", struct.pack("<H", bits))[0]
        return bits
    return value


def bind_dynamic_dims(parameters: list[Parameter], arguments: dict[str, Any]) -> list[ann.DynVar]:
    """Gives the dynamic dimensions in annotations the extents of the arguments; returns them."""
    bound: list[ann.DynVar] = []
    for parameter in parameters:
        shape = getattr(parameter.type, "shape", None)
        value = arguments.get(parameter.name)
        extents = getattr(value, "shape", None)  # a tensor or a window
        if shape is None or extents is None or len(shape) != len(extents):
            continue
        for dim, extent in zip(shape, extents):
            if isinstance(dim, ann.DynVar) and not isinstance(dim, ann.DimExpr):
                dim.extent = int(extent)
                bound.append(dim)
    return bound
