"""Running one program on one chip: the only place that talks to `_core.Run`."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from pypto import _core
from pypto._errors import Error, as_pypto_error, error
from pypto.backend import chip_of
from pypto.jit import signature


def running() -> bool:
    """Whether this thread is inside a program."""
    return _core.active()


_ALIGNMENT = 8  # bytes; what the extension asks of a tensor's memory


@dataclass(frozen=True)
class Machine:
    """The modelled machine: from the platform and from A2A3SIM_* variables (docs/python.md)."""

    chip: str
    soc: str = ""
    overrides: list[str] = field(default_factory=list)
    threads: int = 0

    @classmethod
    def for_platform(cls, platform: str | None) -> Machine:
        chip = chip_of(platform)
        return cls(
            chip=os.environ.get("A2A3SIM_CHIP") or chip,
            soc=os.environ.get("A2A3SIM_SOC", ""),
            overrides=[o for o in os.environ.get("A2A3SIM_CHIP_SET", "").split(",") if o],
            threads=_threads(),
        )


def _threads() -> int:
    text = os.environ.get("A2A3SIM_THREADS", "0")
    if not text.isdigit():
        raise error(f"A2A3SIM_THREADS={text!r} is not a number", "python.threads", "environment")
    return int(text)


@dataclass(frozen=True)
class Launch:
    """What is run and where its results go."""

    program: Any  # a JITFunction or a method of a pl.program
    platform: str
    work_dir: Path
    swimlane: int = 0  # level, 0 = off
    pmu: int = 0
    dep_gen: bool = False
    rank: int = 0
    ranks: int = 1


def execute(launch: Launch, values: list[Any]) -> dict[str, Any]:
    """Runs the program on its arguments in order; outputs are written in place.

    Gives `_core`'s result plus execute_s. Errors: pypto.Error with the kernel's file and line.
    """
    machine = Machine.for_platform(launch.platform)
    program = launch.program
    run = _core.Run(program.__name__, machine.chip, machine.soc, machine.overrides,
                    machine.threads, program.auto_scope)
    start = time.perf_counter()
    try:
        arguments, write_back = declare(run, program, values)
        run_body(program, arguments)
        execute_s = time.perf_counter() - start
        result = dict(run.finish(options_of(launch)))
    except BaseException:
        run.abandon()
        raise
    for copy, original in write_back:
        original.copy_(copy)
    result.setdefault("execute_s", execute_s)
    append_run_log(launch, machine, result)
    return result


def run_body(program: Any, arguments: list[Any]) -> None:
    try:
        program.body(*arguments)
    except (TypeError, AttributeError) as raised:
        reported = as_pypto_error(raised)
        if reported is None:
            raise
        raise reported from None


def declare(run: Any, program: Any, values: list[Any]) -> tuple[list[Any], list[tuple[Any, Any]]]:
    """Tensors as views of torch's memory, scalars as numbers; and what to copy back after."""
    parameters = program.parameters
    if len(values) != len(parameters):
        raise error(f"{program.__name__} takes {len(parameters)} arguments, not {len(values)}",
                    "python.call")
    named = dict(zip((p.name for p in parameters), values))
    signature.bind_dynamic_dims(parameters, named)
    arguments: list[Any] = []
    write_back: list[tuple[Any, Any]] = []
    for parameter in parameters:
        value = named[parameter.name]
        if hasattr(value, "buffer") and hasattr(value.buffer, "number"):  # a window of the world
            arguments.append(_core.pld_window(value.buffer.number, value.dtype, list(value.shape),
                                              parameter.name))
            continue
        if parameter.kind == "scalar" or not isinstance(value, torch.Tensor):
            arguments.append(signature.scalar_value(value, parameter))
            continue
        tensor = value.detach().contiguous()
        if tensor.data_ptr() % _ALIGNMENT != 0:  # a small row of a stacked tensor
            tensor = tensor.clone()
        if tensor.data_ptr() != value.data_ptr() and parameter.role != "in":
            write_back.append((tensor, value))
        dtype = signature.core_dtype(tensor.dtype, f"argument {parameter.name}")
        arguments.append(run.tensor(parameter.name, dtype, list(tensor.shape), tensor.data_ptr(),
                                    tensor, parameter.role))
    return arguments, write_back


def _switched_on(variable: str) -> bool:
    """For files whose own command line has no such switch."""
    return os.environ.get(variable, "0") not in ("", "0")


def options_of(launch: Launch) -> dict[str, Any]:
    launch.work_dir.mkdir(parents=True, exist_ok=True)
    options = {
        "out_dir": str(launch.work_dir),
        "swimlane": int(launch.swimlane),
        "pmu": int(launch.pmu),
        "dep_gen": bool(launch.dep_gen or _switched_on("A2A3SIM_DEP_GEN")),
        "detail": _switched_on("A2A3SIM_DETAIL"),
        "file": launch.program.source_file,
        "function": launch.program.__name__,
    }
    observer = os.environ.get("A2A3SIM_OBSERVER")
    if observer:
        options["observer"] = observer != "0"
    return options


_LOGGED = ("tasks", "blocks", "operations", "gmac", "execute_s", "execute_cpu_s", "lower_s",
           "replay_s", "replay_cpu_s", "wall_us")


def append_run_log(launch: Launch, machine: Machine, result: dict[str, Any]) -> None:
    """One JSON line per execution, for scripts that run many files."""
    path = os.environ.get("A2A3SIM_RUN_LOG")
    if not path:
        return
    program = launch.program
    entry = {
        "program": program.__name__,
        "file": program.source_file,
        "function": program.__qualname__,
        "work_dir": str(launch.work_dir),
        "platform": launch.platform,
        "chip": machine.chip,
        "rank": launch.rank,
        "ranks": launch.ranks,
        **{key: result.get(key) for key in _LOGGED},
        "passed": None,
    }
    with open(path, "a", encoding="utf-8") as log:
        log.write(json.dumps(entry) + "\n")


__all__ = ["Error", "Launch", "Machine", "append_run_log", "declare", "execute", "options_of",
           "run_body", "running"]
