"""What program files and harnesses import from `pypto.ir`."""

from __future__ import annotations

import sys

from pypto._errors import unknown_name
from pypto.ir.compile import compile  # noqa: A004
from pypto.ir.compiled_program import CompiledProgram, ParamDirection
from pypto.ir.pass_manager import OptimizationStrategy

__all__ = ["CompiledProgram", "OptimizationStrategy", "ParamDirection", "compile"]


def __getattr__(name: str) -> object:
    raise unknown_name("pypto.ir", name, vars(sys.modules[__name__]))
