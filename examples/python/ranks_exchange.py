"""Programs of several ranks: windows that every rank has, and ways to reach a peer's copy.

The host function (pl.jit.host) allocates windows and launches a program per rank. A remote
operation names a window and a peer. Flags keep order: notify comes after the stores before it,
wait holds until the own flag has its value.
"""

import torch
from check import Case, main, normal

import pypto.language as pl
import pypto.language.distributed as pld
from pypto.ir.distributed_compiled_program import DistributedConfig
from pypto.runtime import RunConfig

RANKS, ROWS, COLS = 2, 8, 128
Part = pl.Tensor[[ROWS, COLS], pl.FP32]
All = pl.Tensor[[RANKS, ROWS, COLS], pl.FP32]
Data = pld.DistributedTensor[[RANKS * ROWS, COLS], pl.FP32]
Flags = pld.DistributedTensor[[RANKS, 1], pl.INT32]


@pl.jit
def gather_put(x: Part, y: pl.Out[pl.Tensor[[RANKS * ROWS, COLS], pl.FP32]], data: Data,
               flags: Flags, me: pl.Scalar[pl.INT32]):
    """put copies GM to GM: everybody's part goes to everybody. Flags count with AtomicAdd."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="gather_put"):
        for peer in pl.range(RANKS):
            pld.tensor.put(data, peer, x, dst_offsets=[me * ROWS, 0], src_offsets=[0, 0],
                           shape=[ROWS, COLS])
            pld.system.notify(flags, peer=peer, offsets=[0, 0], value=1,
                              op=pld.NotifyOp.AtomicAdd)
        pld.system.wait(flags, offsets=[0, 0], expected=RANKS, cmp=pld.WaitCmp.Ge)
        y[:, :] = data[:, :]
    return y


@pl.jit
def gather_store(x: Part, y: pl.Out[pl.Tensor[[RANKS * ROWS, COLS], pl.FP32]], data: Data,
                 flags: Flags, me: pl.Scalar[pl.INT32]):
    """The same with tiles: results go to peers without a copy in the own memory."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="gather_store"):
        t = pl.mul(pl.load(x, [0, 0], [ROWS, COLS]), 1.0)
        for peer in pl.range(RANKS):
            if peer == me:
                pld.tensor.remote_store(t, data, peer, [me * ROWS, 0])
            else:
                pld.tile.remote_store(t, target=data, peer=peer, offsets=[me * ROWS, 0])
            pld.system.notify(flags, peer=peer, offsets=[me, 0], value=1, op=pld.NotifyOp.Set)
        for peer in pl.range(RANKS):
            pld.system.wait(flags, offsets=[peer, 0], expected=1, cmp=pld.WaitCmp.Ge)
        y[:, :] = data[:, :]
    return y


@pl.jit
def gather_load(x: Part, y: pl.Out[pl.Tensor[[RANKS * ROWS, COLS], pl.FP32]], data: Data,
                flags: Flags, me: pl.Scalar[pl.INT32]):
    """Fetching instead of sending: publish the own part, then read the peers' copies."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="gather_load"):
        data[0:ROWS, :] = x[:, :]
        for peer in pl.range(RANKS):
            pld.system.notify(flags, peer=peer, offsets=[me, 0], value=1, op=pld.NotifyOp.Set)
        for peer in pl.range(RANKS):
            pld.system.wait(flags, offsets=[peer, 0], expected=1, cmp=pld.WaitCmp.Ge)
            part = pld.tile.remote_load(data, peer=peer, offsets=[0, 0], shape=[ROWS, COLS])
            y[peer * ROWS : peer * ROWS + ROWS, :] = part
    return y


def host_of(program):
    """The host program that launches `program` on every rank."""

    @pl.jit.host
    def host(x: All, y: pl.Out[pl.Tensor[[RANKS, RANKS * ROWS, COLS], pl.FP32]]):
        data_buffer = pld.alloc_window_buffer(RANKS * ROWS * COLS * 4)
        flag_buffer = pld.alloc_window_buffer([RANKS, 1], dtype=pl.INT32)
        for rank in pl.range(pld.world_size()):
            data = pld.window(data_buffer, [RANKS * ROWS, COLS], dtype=pl.FP32)
            flags = pld.window(flag_buffer, [RANKS, 1], dtype=pl.INT32)
            program(x[rank], y[rank], data, flags, rank, device=rank)

    def run(x, y, config):
        devices = DistributedConfig(device_ids=list(range(RANKS)))
        host(x, y, config=RunConfig(platform=config.platform, distributed_config=devices))

    return run


if __name__ == "__main__":
    x = normal(RANKS, ROWS, COLS)
    main(*(Case(host_of(program), [x], [torch.zeros(RANKS, RANKS * ROWS, COLS)],
                lambda x: x.reshape(1, RANKS * ROWS, COLS).repeat(RANKS, 1, 1),
                name=program.__name__)
           for program in (gather_put, gather_store, gather_load)))
