"""`benchmark`: upstream times many launches; a model that is deterministic needs one."""

from __future__ import annotations

import contextlib
import os
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class TraceInvocation:
    """One launch on one rank."""

    pid: int
    inv: int
    effective_us: float
    device_wall_us: float
    host_wall_us: float
    task: str = ""


@dataclass
class BenchmarkStats:
    """Predicted times of `rounds` equal launches, in us."""

    device_wall_us: list[float] = field(default_factory=list)
    host_wall_us: list[float] = field(default_factory=list)
    rounds: int = 0
    warmup: int = 0
    invocations: list[TraceInvocation] = field(default_factory=list)
    rounds_dispatches: list[dict[int, list[TraceInvocation]]] = field(default_factory=list)
    fallback_flattened: bool = False
    unstable_dispatch_slots: bool = False

    @property
    def samples(self) -> list[float]:
        return self.device_wall_us

    @property
    def all_zero_device(self) -> bool:
        return bool(self.device_wall_us) and not any(self.device_wall_us)

    @property
    def device_us_median(self) -> float:
        return statistics.median(self.device_wall_us) if self.device_wall_us else 0.0

    device_us_min = device_us_mean = device_us_max = device_us_median
    device_wall_us_median = device_wall_us_min = device_us_median
    device_wall_us_mean = device_wall_us_max = device_us_median

    @property
    def device_us_stdev(self) -> float:
        return 0.0

    def per_round(self, metric: str = "device") -> list[float]:
        """One value a round; with ranks the slowest one's."""
        if not self.rounds_dispatches:
            return [] if metric == "union" else [_metric(i, metric) for i in self.invocations]
        return [
            max(sum(_metric(i, metric) for i in dispatches) for dispatches in ranks.values())
            for ranks in self.rounds_dispatches
        ]

    def per_rank(self, metric: str = "device") -> dict[int, list[float]]:
        """Per rank the sum of its launches in each round; empty for one chip."""
        result: dict[int, list[float]] = {}
        for ranks in self.rounds_dispatches:
            for pid, dispatches in ranks.items():
                result.setdefault(pid, []).append(sum(_metric(i, metric) for i in dispatches))
        return result

    def per_dispatch(self, metric: str = "device") -> dict[tuple[int, int], list[float]]:
        result: dict[tuple[int, int], list[float]] = {}
        for ranks in self.rounds_dispatches:
            for pid, dispatches in ranks.items():
                for slot, invocation in enumerate(dispatches):
                    result.setdefault((pid, slot), []).append(_metric(invocation, metric))
        return result

    def dispatch_tasks(self) -> dict[tuple[int, int], str]:
        return {
            (pid, slot): invocation.task
            for ranks in self.rounds_dispatches[:1]
            for pid, dispatches in ranks.items()
            for slot, invocation in enumerate(dispatches)
        }

    def __str__(self) -> str:
        return (f"BenchmarkStats(rounds={self.rounds}, warmup={self.warmup}): predicted "
                f"device_wall_us {self.device_us_median:.1f}, the same in every round")


def _metric(invocation: TraceInvocation, metric: str) -> float:
    if metric == "effective":
        return invocation.effective_us
    return invocation.host_wall_us if metric == "host" else invocation.device_wall_us


def benchmark(
    compiled: Any,
    args: list[Any],
    *,
    rounds: int = 100,
    warmup: int = 3,
    platform: str | None = None,
    device_id: int | None = None,
    config: Any = None,
    persistent: bool = False,
    reset_persistent_windows: bool | None = None,
) -> BenchmarkStats:
    """Predicted times of `compiled`. The last run is taken if there was one, as a second one would
    give the same times and change in/out tensors; otherwise it runs once."""
    del device_id, persistent, reset_persistent_windows
    if not compiled.last_results:
        if config is None and platform is not None:
            from pypto.runtime.config import RunConfig

            config = RunConfig(platform=platform)
        compiled(*args, config=config)
    return stats_of(compiled.last_results, rounds, warmup,
                    distributed=hasattr(compiled, "distributed_config"))


def stats_of(results: list[dict[str, Any]], rounds: int, warmup: int,
             distributed: bool = False) -> BenchmarkStats:
    """From the results of one run: one, or with ranks one per rank and launch."""
    stats = BenchmarkStats(rounds=rounds, warmup=warmup)
    launches = [r for r in results if not r.get("idle")]
    for index in range(rounds if launches else 0):
        ranks: dict[int, list[TraceInvocation]] = {}
        for result in launches:
            wall = float(result["wall_us"])
            invocation = TraceInvocation(
                pid=int(result.get("rank", 0)), inv=warmup + index, effective_us=wall,
                device_wall_us=wall, host_wall_us=wall, task=str(result.get("program", "")))
            ranks.setdefault(invocation.pid, []).append(invocation)
            stats.invocations.append(invocation)
        if distributed:
            stats.rounds_dispatches.append(ranks)
        stats.device_wall_us.append(
            max(sum(i.device_wall_us for i in own) for own in ranks.values()))
    stats.host_wall_us = list(stats.device_wall_us)
    return stats


# With tensors resident on devices the harness times by itself, around a prepared worker: it raises
# the log level, captures stderr and parses the runtime's timing markers. Here the worker runs once
# inside the capture, and the parser gives the times of that run.

_STRACE_LOG_LEVEL = "v9"
_captured: list[dict[str, Any]] | None = None


@contextlib.contextmanager
def _capture_fd_stderr(path: str | os.PathLike[str]) -> Iterator[None]:
    """Makes the (empty) file the harness reads, and begins a capture."""
    global _captured
    with open(path, "w", encoding="utf-8"):
        pass
    _captured = []
    yield


def is_timed() -> bool:
    """Whether a run has happened inside the capture: later ones would give the same times."""
    return bool(_captured)


def record(results: list[dict[str, Any]]) -> None:
    """A run inside a capture."""
    if _captured is not None:
        _captured.extend(results)


def _parse_stats_from_strace(
    log_text: str, *, rounds: int, warmup: int, distributed: bool = False
) -> BenchmarkStats:
    """Ends the capture."""
    global _captured
    del log_text
    results, _captured = _captured or [], None
    return stats_of(results, rounds, warmup, distributed)
