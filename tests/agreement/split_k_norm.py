"""The Python half of a pair: the same program as split_k_norm.cpp, operation by operation."""

import torch

import pypto.language as pl
from pypto.runtime import RunConfig

ROWS, DEPTH, COLS = 64, 512, 128
PARTS, STEP = 4, 64
SLICE = DEPTH // PARTS
BLOCK_ROWS, CHUNK = 16, 32


@pl.jit
def split_k_norm(x: pl.Tensor[[ROWS, DEPTH], pl.BF16], w: pl.Tensor[[DEPTH, COLS], pl.BF16],
                 y: pl.Out[pl.Tensor[[ROWS, COLS], pl.BF16]]):
    sums = pl.create_tensor([ROWS, COLS], dtype=pl.FP32)
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="clear_sums"):
        for c in pl.range(0, COLS, STEP):
            sums[:, c:c + STEP] = pl.full([ROWS, STEP], dtype=pl.FP32, value=0.0)

    for part in pl.spmd(PARTS, name_hint="partial_products"):
        for i in pl.pipeline(SLICE // STEP, stage=2):
            k = part * SLICE + i * STEP
            a = x[:, k:k + STEP]
            b = w[k:k + STEP, :]
            if i == 0:
                acc = pl.matmul(a, b, out_dtype=pl.FP32)
            else:
                acc = pl.matmul_acc(acc, a, b)
        sums = pl.assemble(sums, acc, [0, 0], atomic=pl.AtomicType.Add)

    for block in pl.spmd(ROWS // BLOCK_ROWS, name_hint="norm_rows"):
        r = block * BLOCK_ROWS
        squares = pl.full([1, BLOCK_ROWS], dtype=pl.FP32, value=0.0)
        for c in pl.pipeline(0, COLS, CHUNK, stage=2):
            t = sums[r:r + BLOCK_ROWS, c:c + CHUNK]
            squares = pl.add(squares, pl.reshape(pl.row_sum(pl.mul(t, t)), [1, BLOCK_ROWS]))
        mean = pl.add(pl.mul(squares, 1.0 / COLS), 1e-6)
        inverse = pl.reshape(pl.recip(pl.sqrt(mean)), [BLOCK_ROWS, 1])
        for c in pl.pipeline(0, COLS, CHUNK, stage=2):
            t = sums[r:r + BLOCK_ROWS, c:c + CHUNK]
            scaled = pl.row_expand_mul(t, inverse)
            y[r:r + BLOCK_ROWS, c:c + CHUNK] = pl.cast(scaled, target_type=pl.BF16, mode="rint")
    return y


if __name__ == "__main__":
    split_k_norm(torch.zeros(ROWS, DEPTH, dtype=torch.bfloat16),
                 torch.zeros(DEPTH, COLS, dtype=torch.bfloat16),
                 torch.zeros(ROWS, COLS, dtype=torch.bfloat16),
                 config=RunConfig(platform="a2a3sim", enable_l2_swimlane=True))
