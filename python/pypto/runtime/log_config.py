"""Log level of the runtime. The model logs nothing; the level is kept for who asks."""

from __future__ import annotations

from pypto._errors import error

_LEVELS = ("debug", *(f"v{i}" for i in range(10)), "info", "warn", "error", "null")
_level = "info"


def configure_log(level: str) -> None:
    global _level
    if str(level).lower() not in _LEVELS:
        raise error(f"unknown log level {level!r}; there are {', '.join(_LEVELS)}",
                    "python.log-level")
    _level = str(level).lower()


def current_level() -> str:
    return _level
