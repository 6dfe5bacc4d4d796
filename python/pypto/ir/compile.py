"""`ir.compile` of class-style programs."""

from __future__ import annotations

from typing import Any

from pypto.backend import BackendType
from pypto.ir.compiled_program import CompiledProgram

_PLATFORM = {BackendType.Ascend910B: "a2a3sim", BackendType.Ascend950: "a5sim"}


def compile(  # noqa: A001 - upstream's name
    program: Any,
    output_dir: str | None = None,
    *,
    platform: str | None = None,
    backend_type: BackendType | None = None,
    **_code_generation: Any,
) -> Any:
    """The program's entry, with a work folder. Options about code generation have no effect."""
    if platform is None and backend_type is not None:
        platform = _PLATFORM[backend_type]
    return CompiledProgram.create(program.entry, {}, platform, output_dir)
