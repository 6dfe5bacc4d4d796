"""Namespaces of operations: `pl.tile`, `pl.tensor`, ...; and the sorting of `_core`'s names."""

from __future__ import annotations

import types
from typing import Any

from pypto import _core
from pypto._errors import unknown_name

_PREFIXES = ("tile", "tensor", "system", "prefetch", "array", "pld")
# Of _core, but not of pl: these drive a run.
_PRIVATE = {"Run", "World", "Error", "active", "spmd_lockstep"}


class Namespace:
    """Members by attribute; an unknown one is an error that names the closest ones."""

    def __init__(self, name: str, members: dict[str, Any]) -> None:
        self.__dict__.update(members)
        self.__dict__["_name"] = name

    def __getattr__(self, name: str) -> Any:
        raise unknown_name(self.__dict__["_name"], name, self.__dict__)

    def __repr__(self) -> str:
        return f"<namespace {self.__dict__['_name']}>"


def plain_names() -> dict[str, Any]:
    """What `_core` calls x is pl.x, unless it has a namespace's prefix."""
    return {
        name: value for name, value in vars(_core).items()
        if not name.startswith("_") and name not in _PRIVATE and _prefix(name) is None
        and not isinstance(value, types.ModuleType)
    }


def prefixed_names(prefix: str) -> dict[str, Any]:
    """What `_core` calls prefix_x, as x."""
    return {name[len(prefix) + 1:]: value for name, value in vars(_core).items()
            if _prefix(name) == prefix}


def operations() -> dict[str, Any]:
    """Every operation without a namespace: `pl.tile.x` and `pl.tensor.x` are also `pl.x`."""
    return {name: value for name, value in plain_names().items()
            if isinstance(value, types.BuiltinFunctionType)}


def _prefix(name: str) -> str | None:
    head, separator, _ = name.partition("_")
    return head if separator and head in _PREFIXES else None
