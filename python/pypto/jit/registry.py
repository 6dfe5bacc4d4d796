"""Programs this process has defined, so that a work folder of an earlier process can run again."""

from __future__ import annotations

import os
from typing import Any

_programs: dict[tuple[str, str], Any] = {}


def add(program: Any) -> None:
    """A later definition of the same name in the same file replaces an earlier one."""
    _programs[(os.path.realpath(program.source_file), program.__qualname__)] = program


def find(file: str, qualname: str) -> Any | None:
    """By file and name; by name and file name alone if the checkout has moved."""
    exact = _programs.get((os.path.realpath(file), qualname))
    if exact is not None:
        return exact
    for (known_file, known_name), program in _programs.items():
        if known_name == qualname and os.path.basename(known_file) == os.path.basename(file):
            return program
    return None
