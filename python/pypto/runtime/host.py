"""Host programs (@pl.jit.host): what they launch on which rank, and running the ranks together.

The host function itself runs first and only collects: its windows and one launch after the other for
each rank. Then the first launches of all ranks run as one world, then the second ones, and so on.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch

from pypto import _core
from pypto._errors import error
from pypto.runtime import execution

_active = threading.local()


@dataclass(frozen=True)
class WindowBuffer:
    """What pld.alloc_window_buffer gives: a symmetric window, its number and size."""

    number: int
    nbytes: int


@dataclass(frozen=True)
class Window:
    """A typed view of a window in the host function; an argument of launches."""

    buffer: WindowBuffer
    shape: tuple[int, ...]
    dtype: Any


class _Bindable:
    """Names the extent of a dimension, as kernels do with their tensors."""

    shape: tuple[int, ...]

    def bind_dynamic(self, axis: int, dim: Any) -> None:
        dim.extent = int(self.shape[axis])


class DeviceTensor(_Bindable):
    """A tensor kept on one device. The model shares the memory of the host's tensor."""

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor
        self.shape = tuple(tensor.shape)
        self.dtype = tensor.dtype
        self.data_ptr = tensor.data_ptr()
        self.nbytes = tensor.numel() * tensor.element_size()


class StackedDeviceTensor(_Bindable):
    """One shard per device; shard r is what a host program calls x[r]."""

    def __init__(self, shards: list[DeviceTensor], shape: tuple[int, ...],
                 worker_ids: tuple[int, ...]) -> None:
        self.shards, self.shape, self.worker_ids = shards, tuple(shape), tuple(worker_ids)
        self.dtype = shards[0].dtype

    def __getitem__(self, rank: int) -> DeviceTensor:
        return self.shards[rank]

    def __len__(self) -> int:
        return len(self.shards)


class Host:
    """A host program while its function runs."""

    def __init__(self, ranks: int) -> None:
        self.ranks = ranks
        self.world = _core.World(ranks)
        self._launches: list[list[tuple[Any, list[Any]]]] = [[] for _ in range(ranks)]

    def alloc_window(self, nbytes: int) -> WindowBuffer:
        return WindowBuffer(self.world.alloc_window(nbytes), nbytes)

    def launch(self, program: Any, values: list[Any], device: Any) -> None:
        rank = int(device)
        if not 0 <= rank < self.ranks:
            raise error(f"{program.__name__} is launched on device {rank}, the host program has "
                        f"devices 0..{self.ranks - 1}", "python.device")
        self._launches[rank].append((program, [_host_tensor(v) for v in values]))

    def dispatches(self) -> Iterator[list[tuple[Any, list[Any]] | None]]:
        """The k-th launches of all ranks; None where a rank has fewer."""
        for k in range(max(map(len, self._launches))):
            yield [own[k] if k < len(own) else None for own in self._launches]


def current() -> Host | None:
    """The host program whose function this thread runs."""
    return getattr(_active, "host", None)


def require_host(what: str) -> Host:
    host = current()
    if host is None:
        raise error(f"{what} belongs into a @pl.jit.host program", "python.host")
    return host


@contextlib.contextmanager
def _running(host: Host) -> Iterator[None]:
    _active.host = host
    torch.Tensor.bind_dynamic = _Bindable.bind_dynamic  # what the host function is given
    try:
        yield
    finally:
        _active.host = None
        del torch.Tensor.bind_dynamic


def execute(launch: execution.Launch, values: list[Any], ranks: int) -> list[dict[str, Any]]:
    """Runs a host program on `ranks` devices: one result per rank and dispatch."""
    host = Host(ranks)
    with _running(host):
        execution.run_body(launch.program, [_host_tensor(v, keep_stacked=True) for v in values])
    results: list[dict[str, Any]] = []
    for number, calls in enumerate(host.dispatches()):
        results += _dispatch(launch, host, calls, number)
    return results


def _dispatch(launch: execution.Launch, host: Host, calls: list[tuple[Any, list[Any]] | None],
              number: int) -> list[dict[str, Any]]:
    """Runs one program per rank together and predicts their times on one clock."""
    machine = execution.Machine.for_platform(launch.platform)
    runs: list[Any] = [None] * host.ranks
    copies: list[tuple[Any, Any]] = []

    def body(rank: int) -> None:
        program, values = calls[rank] or (None, [])
        name = program.__name__ if program else "idle"
        run = _core.Run(name, machine.chip, machine.soc, machine.overrides, machine.threads,
                        program.auto_scope if program else True)
        runs[rank] = run
        try:
            if program is not None:
                arguments, write_back = execution.declare(run, program, values)
                copies.extend(write_back)
                execution.run_body(program, arguments)
            run.end()
        except BaseException:
            run.abandon()
            raise

    host.world.run(body)
    options = {**execution.options_of(launch), "dispatch": number}
    results = [dict(r) for r in _core.Run.replay(runs, options)]
    for copy, original in copies:
        original.copy_(copy)
    for rank, result in enumerate(results):
        program = (calls[rank] or (launch.program, []))[0]
        result.update(rank=rank, program=program.__name__, idle=calls[rank] is None)
        execution.append_run_log(
            replace(launch, program=program, rank=rank, ranks=host.ranks), machine, result)
    return results


def _host_tensor(value: Any, keep_stacked: bool = False) -> Any:
    """Device tensors are host tensors here; a stacked one is indexed by the host function."""
    if isinstance(value, DeviceTensor):
        return value.tensor
    if isinstance(value, StackedDeviceTensor) and not keep_stacked:
        raise error("a stacked device tensor is passed by its shard, x[rank]", "python.device")
    return value


def window_bytes(size: Any, dtype: Any) -> int:
    """Bytes of alloc_window_buffer(bytes) or alloc_window_buffer(shape, dtype=...)."""
    if isinstance(size, (list, tuple)):
        if dtype is None:
            raise error("pld.alloc_window_buffer of a shape needs dtype=", "python.window")
        return math.prod(int(d) for d in size) * dtype.get_byte()
    return int(size)
