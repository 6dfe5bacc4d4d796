"""Running programs: configuration, execution, predicted times."""

from __future__ import annotations

import sys

from pypto._errors import unknown_name
from pypto.runtime.bench import BenchmarkStats, benchmark
from pypto.runtime.config import RunConfig
from pypto.runtime.host import DeviceTensor, StackedDeviceTensor
from pypto.runtime.log_config import configure_log
from pypto.runtime.log_config import current_level as log_level
from pypto.runtime.runner import RunResult, execute_compiled, run

__all__ = ["BenchmarkStats", "DeviceTensor", "RunConfig", "RunResult", "StackedDeviceTensor",
           "benchmark", "configure_log", "execute_compiled", "log_level", "run"]


def __getattr__(name: str) -> object:
    raise unknown_name("pypto.runtime", name, vars(sys.modules[__name__]))
