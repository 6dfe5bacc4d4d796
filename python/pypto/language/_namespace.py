"""Namespaces of operations: `pl.tile`, `pl.tensor`, ...; and the sorting of `_core`'s names."""

from __future__ import annotations

import types
from typing import Any

from pypto import _core
from pypto._errors import unknown_name

# Of _core, but not of pl: these drive a run.
_PRIVATE = {"Run", "Error", "active", "spmd_lockstep"}


class Namespace:
    """Members by attribute; an unknown one is an error that names the closest ones."""

    def __init__(self, name: str, members: dict[str, Any]) -> None:
        self.__dict__.update(members)
        self.__dict__["_name"] = name

    def __getattr__(self, name: str) -> Any:
        raise unknown_name(self.__dict__["_name"], name, self.__dict__)

    def __repr__(self) -> str:
        return f"<namespace {self.__dict__['_name']}>"


def names() -> dict[str, Any]:
    """What `_core` calls x is pl.x; tile_x and tensor_x are forms of pl.tile.x and pl.tensor.x."""
    return {
        name: value for name, value in vars(_core).items()
        if not name.startswith(("_", "tile_", "tensor_")) and name not in _PRIVATE
        and not isinstance(value, types.ModuleType)
    }


def operations(kind: str, **aliases: str) -> dict[str, Any]:
    """Members of pl.tile or pl.tensor (`kind`): every operation, with their own forms of some.

    `aliases` name operations that are called otherwise there: create="create_tile".
    """
    members = {name: value for name, value in names().items()
               if isinstance(value, types.BuiltinFunctionType)}
    members.update({alias: members[name] for alias, name in aliases.items()})
    for name, value in vars(_core).items():
        if name.startswith(f"{kind}_"):
            members[name[len(kind) + 1:]] = value
    return members
