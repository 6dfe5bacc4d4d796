"""Running what was compiled: `execute_compiled` and `run`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pypto.runtime.config import RunConfig, _DfxOpts

__all__ = ["RunConfig", "RunResult", "_DfxOpts", "execute_compiled", "run"]


@dataclass
class RunResult:
    """Verdict of a run that checks itself."""

    passed: bool
    test_name: str | None = None
    error: str | None = None
    execution_time: float | None = None
    profile: dict[str, Any] | None = None


def execute_compiled(
    work_dir: str | os.PathLike[str],
    args: list[Any],
    *,
    platform: str,
    device_id: int = 0,
    dfx: _DfxOpts | None = None,
    level: int = 2,
    runtime_profiling: bool = False,
    pto_isa_commit: str | None = None,
    block_dim: int | None = None,
    aicpu_thread_num: int | None = None,
    analyze_auto_scopes_for_deps: bool = False,
) -> None:
    """Runs the program a work folder belongs to; outputs among `args` are written in place.

    The folder may come from an earlier process: the program is then found among those this process
    has defined. level, pto_isa_commit, block_dim, aicpu_thread_num and analyze_auto_scopes_for_deps
    concern generated code and have no effect.
    """
    from pypto.ir.compiled_program import CompiledProgram

    del level, pto_isa_commit, block_dim, aicpu_thread_num, analyze_auto_scopes_for_deps
    if dfx is None:
        dfx = _DfxOpts(enable_chip_swimlane=runtime_profiling)
    compiled = CompiledProgram.at(Path(work_dir))
    compiled.execute(args, platform, dfx, device_id)


def run(program: Any, *args: Any, config: RunConfig | None = None) -> Any:
    """Compiles a pl.program and runs it on the arguments."""
    from pypto.ir.compile import compile as compile_program

    config = config or RunConfig()
    compiled = compile_program(program, platform=config.platform)
    if not config.codegen_only:
        compiled(*args, config=config)
    return compiled
