"""RunConfig and the diagnostic switches, with the field names of all checkouts since May 2026."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from pypto._errors import error
from pypto.backend import BackendType, chip_of
from pypto.ir.pass_manager import OptimizationStrategy

_PIPE_UTILISATION = 2


@dataclass
class RunConfig:
    """How to compile and run. Fields about code generation are accepted and have no effect."""

    platform: str = "a2a3sim"
    device_id: int = 0
    rtol: float = 1e-5
    atol: float = 1e-5
    strategy: Any = OptimizationStrategy.Default
    backend_type: Any = BackendType.Ascend910B
    dump_passes: Any = False
    dump_ptoas_passes: bool = False
    save_kernels: bool = False
    save_kernels_dir: str | None = None
    codegen_only: bool = False
    pto_isa_commit: str | None = None
    runtime_profiling: bool = False  # May 2026's name of the swimlane switch
    compile_profiling: bool = False
    diagnostic_phase: Any = None
    disabled_diagnostics: Any = None
    golden_data_dir: str | None = None
    enable_chip_swimlane: int | bool = 0
    enable_l2_swimlane: int | bool = 0  # June and July 2026's name
    enable_dump_args: int = 0
    enable_dump_tensor: int = 0
    enable_pmu: int | bool = 0
    enable_dep_gen: bool = False
    enable_scope_stats: bool = False
    block_dim: int | None = None
    aicpu_thread_num: int | None = None
    ring_task_window: Any = None
    ring_heap: Any = None
    ring_dep_pool: Any = None
    distributed_config: Any = None
    analyze_auto_scopes_for_deps: bool = False
    memory_planner: Any = None
    output_dir: str | None = field(default=None)

    def __post_init__(self) -> None:
        chip_of(self.platform)

    def any_dfx_enabled(self) -> bool:
        return dfx_of(self).any()


@dataclass(frozen=True)
class _DfxOpts:
    """Diagnostic switches of one execution, as the harness hands them over."""

    enable_chip_swimlane: int | bool = 0
    enable_l2_swimlane: int | bool = 0
    enable_dump_args: int = 0
    enable_dump_tensor: int = 0
    enable_pmu: int | bool = 0
    enable_dep_gen: bool = False
    enable_scope_stats: bool = False

    def __post_init__(self) -> None:
        if self.enable_dump_args or self.enable_dump_tensor:
            raise error("dumping task arguments is not supported; save inputs and outputs with "
                        "golden_data instead", "python.dump-args")
        if self.enable_scope_stats:
            raise error("scope statistics are not recorded", "python.scope-stats")
        if self.pmu_group not in (0, _PIPE_UTILISATION):
            raise error(f"PMU group {self.pmu_group} is not modelled; there is "
                        f"{_PIPE_UTILISATION}, pipe utilisation", "python.pmu-group")
        if not 0 <= self.swimlane_level <= 4:
            raise error(f"swimlane level {self.swimlane_level} is not in 0..4",
                        "python.swimlane-level")

    def any(self) -> bool:
        return any(getattr(self, f.name) for f in fields(self))

    @property
    def swimlane_level(self) -> int:
        """1 to 4; a bare flag means everything (runtime.md §3)."""
        for value in (self.enable_chip_swimlane, self.enable_l2_swimlane):
            if value:
                return 4 if value is True else int(value)
        return 0

    @property
    def pmu_group(self) -> int:
        """A bare flag means pipe utilisation, upstream's default group (runtime.md §3.10)."""
        return _PIPE_UTILISATION if self.enable_pmu is True else int(self.enable_pmu)


def dfx_of(config: Any) -> _DfxOpts:
    """The switches in a RunConfig (or None)."""
    if config is None:
        return _DfxOpts()
    switches = {f.name: getattr(config, f.name) for f in fields(_DfxOpts)}
    if config.runtime_profiling:
        switches["enable_chip_swimlane"] = switches["enable_chip_swimlane"] or True
    return _DfxOpts(**switches)
