"""Host programs: they launch entries on the chips of several ranks."""

from __future__ import annotations

import ctypes
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from pypto.ir.compiled_program import CompiledProgram
from pypto.jit.signature import TensorMeta
from pypto.runtime import bench, execution, host
from pypto.runtime.host import DeviceTensor, StackedDeviceTensor


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
        """Runs the host function, then what it launched on its devices, together."""
        del device_id
        ranks = len(self.distributed_config.device_ids)
        results = host.execute(
            execution.Launch(
                self._program, platform, self._output_dir, swimlane=dfx.swimlane_level,
                pmu=dfx.pmu_group, dep_gen=dfx.enable_dep_gen),
            values, ranks)
        self.last_results = results
        for number, result in enumerate(results):
            print(f"[a2a3sim] {self._program.__name__} rank {number % ranks}: predicted "
                  f"{result['wall_us']:.1f} us, {result['tasks']} tasks", flush=True)
        print(f"[a2a3sim] -> {self._output_dir}", flush=True)

    def prepare(self, config: Any = None, **_options: Any) -> DistributedWorker:
        """A worker that keeps tensors on the devices between calls."""
        return DistributedWorker(self, config)


class DistributedWorker:
    """Device memory and repeated calls of a host program; a context manager.

    The model's devices work on the host's memory: uploads and downloads cost nothing.
    """

    def __init__(self, compiled: DistributedCompiledProgram, config: Any) -> None:
        self._compiled = compiled
        self._config = config

    def __enter__(self) -> DistributedWorker:
        return self

    def __exit__(self, *_exception: Any) -> None:
        return None

    def __call__(self, *args: Any, config: Any = None) -> Any:
        if bench.is_timed():
            return None
        result = self._compiled(*args, config=config or self._config)
        bench.record(self._compiled.last_results)
        return result

    def alloc_tensor(self, shape: tuple[int, ...], dtype: Any, init: Any = None,
                     worker_id: int = 0) -> DeviceTensor:
        del worker_id  # a launch says which device uses it
        return DeviceTensor(torch.empty(tuple(shape), dtype=dtype) if init is None else init)

    def alloc_stacked_tensor(self, tensor: torch.Tensor) -> StackedDeviceTensor:
        shards = [DeviceTensor(shard) for shard in tensor]
        return StackedDeviceTensor(shards, tuple(tensor.shape), tuple(range(len(shards))))

    def copy_stacked_from(self, stacked: StackedDeviceTensor, tensor: torch.Tensor) -> None:
        for own, there in zip(tensor, stacked.shards):
            if own.data_ptr() != there.data_ptr:
                own.copy_(there.tensor)

    def copy_from(self, host_ptr: int, device_ptr: int, nbytes: int, worker_id: int = 0) -> None:
        del worker_id
        if host_ptr != device_ptr:
            ctypes.memmove(host_ptr, device_ptr, nbytes)

    def free_tensor(self, tensor: DeviceTensor, worker_id: int = 0) -> None:
        del tensor, worker_id  # the memory is the host's

    def free_stacked_tensor(self, stacked: StackedDeviceTensor) -> None:
        del stacked
