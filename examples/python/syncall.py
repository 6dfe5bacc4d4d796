"""Phases within one task: a barrier over all cores of the launch.

All blocks must be on cores at once (sync_start); then a block may read what others have written
before the barrier. The alternative is a task per phase.
"""

import torch
from check import Case, main, normal

import pypto.language as pl

BLOCKS, COLS = 8, 256
Matrix = pl.Tensor[[BLOCKS, COLS], pl.FP32]


@pl.jit
def normalised(x: Matrix, y: pl.Out[Matrix]):
    """Divides by the sum over all rows: phase 1 sums a row each, phase 2 uses all sums."""
    sums = pl.create_tensor([BLOCKS, 8], dtype=pl.FP32)
    with pl.spmd(BLOCKS, name_hint="normalised", sync_start=True):
        b = pl.tile.get_block_idx()
        row = x[b : b + 1, :]
        eight = pl.full([1, 8], dtype=pl.FP32, value=0.0)  # one load later, not eight
        sums[b : b + 1, :] = pl.row_expand_add(eight, pl.row_sum(row))
        pl.system.syncall(core_type="aiv_only")
        total = pl.col_sum(sums[:, :])
        y[b : b + 1, :] = pl.div(row, pl.read(total, [0, 0]))
    return y


@pl.jit
def normalised_in_two_tasks(x: Matrix, y: pl.Out[Matrix]):
    sums = pl.create_tensor([BLOCKS, 8], dtype=pl.FP32)
    with pl.spmd(BLOCKS, name_hint="sums"):
        b = pl.tile.get_block_idx()
        eight = pl.full([1, 8], dtype=pl.FP32, value=0.0)
        sums[b : b + 1, :] = pl.row_expand_add(eight, pl.row_sum(x[b : b + 1, :]))
    with pl.spmd(BLOCKS, name_hint="divide"):
        b = pl.tile.get_block_idx()
        total = pl.col_sum(sums[:, :])
        y[b : b + 1, :] = pl.div(x[b : b + 1, :], pl.read(total, [0, 0]))
    return y


if __name__ == "__main__":
    x = normal(BLOCKS, COLS).abs()
    main(*(Case(kernel, [x], [torch.zeros(BLOCKS, COLS)], lambda x: x / x.sum())
           for kernel in (normalised, normalised_in_two_tasks)))
