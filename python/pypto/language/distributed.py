"""`import pypto.language.distributed as pld`: windows and signals of the ranks."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from pypto import _core
from pypto._annotations import DistributedTensor
from pypto._errors import unknown_name
from pypto.language._namespace import Namespace
from pypto.runtime import host

AtomicType = _core.AtomicType
NotifyOp = _core.pld_NotifyOp
WaitCmp = _core.pld_WaitCmp

rank = _core.pld_rank
nranks = _core.pld_nranks
remote_load = _core.pld_remote_load
remote_store = _core.pld_remote_store


def world_size() -> int:
    """The number of devices of the running host program."""
    return host.require_host("pld.world_size").ranks


def get_comm_ctx(dist_tensor: Any) -> Any:
    """What pld.rank and pld.nranks take: any window stands for its world."""
    return dist_tensor


def alloc_window_buffer(size: int | Sequence[int], *, dtype: Any = None,
                        name: str = "") -> host.WindowBuffer:
    """A window of `size` bytes, or of a shape of dtype, on every rank; zero at first."""
    del name
    owner = host.require_host("pld.alloc_window_buffer")
    return owner.alloc_window(host.window_bytes(size, dtype))


def window(buf: host.WindowBuffer, shape: Sequence[int], *, dtype: Any) -> host.Window:
    """A typed view of a window, for launches."""
    return host.Window(buf, tuple(int(d) for d in shape), dtype)


system = Namespace("pld.system", {
    "world_size": world_size, "get_comm_ctx": get_comm_ctx, "rank": rank, "nranks": nranks,
    "notify": _core.pld_notify, "wait": _core.pld_wait})
tensor = Namespace("pld.tensor", {
    "alloc_window_buffer": alloc_window_buffer, "window": window, "remote_store": remote_store,
    "put": _core.pld_put, "get": _core.pld_get})
tile = Namespace("pld.tile", {"remote_load": remote_load, "remote_store": remote_store})

__all__ = ["AtomicType", "DistributedTensor", "NotifyOp", "WaitCmp", "alloc_window_buffer",
           "get_comm_ctx", "nranks", "rank", "remote_load", "remote_store", "system", "tensor",
           "tile", "window", "world_size"]


def __getattr__(name: str) -> Any:
    raise unknown_name("pld", name, vars(sys.modules[__name__]))
