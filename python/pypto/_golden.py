"""A2A3SIM_GOLDEN=0: the checkout's harness runs programs but not their goldens.

A golden checks values and takes longer than the program; predicted times do not depend on it.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_ENTRIES = ("run", "run_jit")


def skip_if_asked() -> None:
    """Has an effect on the harness's package `golden`, imported already or later."""
    if os.environ.get("A2A3SIM_GOLDEN") != "0":
        return
    if "golden" in sys.modules:
        _disable(sys.modules["golden"])
    else:
        sys.meta_path.insert(0, _GoldenFinder())


def _disable(package: ModuleType) -> None:
    for module in (package, sys.modules.get("golden.runner")):
        for name in _ENTRIES:
            entry = getattr(module, name, None)
            if entry is not None:
                setattr(module, name, _without_golden(entry))


def _without_golden(entry: Callable[..., Any]) -> Callable[..., Any]:
    if getattr(entry, "_skips_golden", False):
        return entry
    signature = inspect.signature(entry)

    @functools.wraps(entry)
    def call(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        bound.arguments.pop("golden_fn", None)
        return entry(*bound.args, **bound.kwargs)

    call._skips_golden = True  # type: ignore[attr-defined]
    return call


class _GoldenLoader(Loader):
    """The package's own loader, then `_disable`."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        _disable(module)


class _GoldenFinder(MetaPathFinder):
    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "golden":
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _GoldenLoader(spec.loader)
        return spec
