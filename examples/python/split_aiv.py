"""Two vector lanes: a core group has one cube core and two vector cores.

In a scope with cube and vector work one lane does the vector work unless the author shares it out:
pl.split halves every vector tile, pl.split_aiv opens a region that both lanes run.
"""

import torch
from check import Case, main, normal

import pypto.language as pl

M, K, N = 64, 128, 128
HALF = M // 2
A = pl.Tensor[[M, K], pl.BF16]
B = pl.Tensor[[K, N], pl.BF16]
C = pl.Tensor[[M, N], pl.FP32]


@pl.jit
def one_lane(a: A, b: B, c: pl.Out[C]):
    """SplitMode.NONE: the second lane stays idle. slot_num: depth of the ring between cores."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="one_lane",
               optimizations=[pl.split(pl.SplitMode.NONE, slot_num=2)]):
        c[:, :] = pl.exp(pl.mul(pl.matmul(a[:, :], b[:, :], out_dtype=pl.FP32), 0.01))
    return c


@pl.jit
def halved(a: A, b: B, c: pl.Out[C]):
    """SplitMode.UP_DOWN: lane 0 takes the upper half of each tile, lane 1 the lower one."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="halved",
               optimizations=[pl.split(pl.SplitMode.UP_DOWN)]):
        c[:, :] = pl.exp(pl.mul(pl.matmul(a[:, :], b[:, :], out_dtype=pl.FP32), 0.01))
    return c


@pl.jit
def shards(a: A, b: B, c: pl.Out[C]):
    """A region for both lanes: aiv_shard is the lane's half of a tile."""
    with pl.spmd(1, name_hint="shards", optimizations=[pl.cross_core_slot(slot_num=2)]):
        product = pl.matmul(a[:, :], b[:, :], out_dtype=pl.FP32)
        for lane in pl.split_aiv(2, mode=pl.SplitMode.UP_DOWN):
            mine = pl.aiv_shard(product)
            c[lane * HALF : lane * HALF + HALF, :] = pl.exp(pl.mul(mine, 0.01))
    return c


@pl.jit
def own_parts(x: C, y: pl.Out[C]):
    """SplitMode.NONE: both lanes run the body as it is written; the author gives each its rows."""
    for b in pl.spmd(2, name_hint="own_parts"):
        for lane in pl.split_aiv(2, mode=pl.SplitMode.NONE):
            row = b * HALF + lane * (HALF // 2)
            y[row : row + HALF // 2, :] = pl.exp(x[row : row + HALF // 2, :])
    return y


def golden(a, b):
    return ((a.float() @ b.float()) * 0.01).exp()


if __name__ == "__main__":
    a, b = normal(M, K, dtype=torch.bfloat16), normal(K, N, seed=1, dtype=torch.bfloat16)
    main(
        *(Case(kernel, [a, b], [torch.zeros(M, N)], golden)
          for kernel in (one_lane, halved, shards)),
        Case(own_parts, [normal(M, N)], [torch.zeros(M, N)], torch.exp),
    )
