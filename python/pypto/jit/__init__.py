"""The decorators of `pl.jit`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pypto._errors import error
from pypto.jit import rewrite
from pypto.jit.function import InCoreFunction, JITFunction

__all__ = ["JITFunction", "jit"]


def _inline(function: Callable[..., Any]) -> Callable[..., Any]:
    """Runs as a part of its caller: a plain function, which keeps the author's as `_func`."""
    result = rewrite.rewritten(function)
    result._func = function
    return result


def _extern(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*_args: Any, **_kwargs: Any) -> Any:
        raise error(f"{function.__name__} is a hand-written device kernel (pl.jit.extern); only "
                    "pl programs can be run", "python.extern")

    return call


class _Decorator:
    """`@d`, `@d()` and `@d(option=...)`. Level and auto_scope have no effect on values."""

    def __init__(self, wrap: Callable[..., Any]) -> None:
        self._wrap = wrap

    def __call__(self, function: Callable[..., Any] | None = None, **_options: Any) -> Any:
        if function is not None:
            return self._wrap(function)
        return self._wrap


class _Jit:
    """`pl.jit` and its members."""

    inline = _Decorator(_inline)
    opaque = _Decorator(_inline)
    incore = _Decorator(InCoreFunction)
    extern = _Decorator(_extern)
    host = _Decorator(lambda function: JITFunction(function, kind="host"))

    def __call__(self, function: Callable[..., Any] | None = None, *,
                 auto_scope: bool = True) -> Any:
        if function is not None:
            return JITFunction(function, auto_scope=auto_scope)
        return lambda f: JITFunction(f, auto_scope=auto_scope)

    def __getattr__(self, name: str) -> Any:
        from pypto._errors import unknown_name

        raise unknown_name("pl.jit", name, ["inline", "opaque", "incore", "extern", "host"])


jit = _Jit()
