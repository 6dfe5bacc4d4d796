"""Host programs: they launch entries on the chips of several ranks."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pypto.ir.compiled_program import CompiledProgram
from pypto.jit.signature import TensorMeta


@dataclass
class DistributedConfig:
    """Which devices a host program runs on."""

    device_ids: list[int] = field(default_factory=lambda: [0])
    num_sub_workers: int = 0
    runtime: str = "tensormap_and_ringbuffer"
    block_dim: int = 0
    aicpu_thread_num: int = 0


class DistributedCompiledProgram(CompiledProgram):
    """A compiled @pl.jit.host program."""

    meta_file = "distributed_meta.json"  # the harness knows a host program's folder by it

    def __init__(self, program: Any, output_dir: Path, platform: str | None,
                 tensor_meta: dict[str, TensorMeta] | None = None,
                 distributed_config: DistributedConfig | None = None) -> None:
        super().__init__(program, output_dir, platform, tensor_meta)
        self.distributed_config = distributed_config or DistributedConfig()

    def _more_meta(self) -> dict[str, Any]:
        return {"distributed_config": asdict(self.distributed_config)}

    @classmethod
    def from_dir(cls, work_dir: Path, platform: str | None = None,
                 distributed_config: DistributedConfig | None = None) -> DistributedCompiledProgram:
        program, folder, stored_platform = cls._read_meta(Path(work_dir))
        return cls(program, folder, platform or stored_platform,
                   distributed_config=distributed_config)

    def execute(self, values: list[Any], platform: str, dfx: Any, device_id: int = 0) -> None:
        """Runs the host function; each entry it calls runs on one chip, one after another."""
        del platform, dfx, device_id
        self._program.body(*values)
