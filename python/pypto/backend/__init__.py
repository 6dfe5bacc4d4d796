"""Platforms and the chips they mean."""

from __future__ import annotations

import enum
import sys

from pypto._errors import error, unknown_name


class BackendType(enum.Enum):
    Ascend910B = "a2a3"
    Ascend950 = "a5"


_CHIPS = {"a2a3": "a2a3", "a2a3sim": "a2a3", "a5": "a5", "a5sim": "a5"}
_selected = BackendType.Ascend910B


def chip_of(platform: str | None) -> str:
    """Both the device and the simulator platform are the modelled chip here."""
    if platform is None:
        return _selected.value
    try:
        return _CHIPS[platform]
    except KeyError:
        raise error(f"unknown platform {platform!r}; there are {', '.join(_CHIPS)}",
                    "python.platform") from None


def set_backend_type(backend_type: BackendType) -> None:
    global _selected
    _selected = backend_type


def get_backend_type() -> BackendType:
    return _selected


def reset_for_testing() -> None:
    set_backend_type(BackendType.Ascend910B)


def __getattr__(name: str) -> object:
    raise unknown_name("pypto.backend", name, vars(sys.modules[__name__]))
