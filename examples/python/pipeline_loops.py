"""The kinds of loops. All count like Python's range; what differs is time.

range: one iteration after the other. pipeline: the loads of `stage` iterations stand before
their work, with a buffer each, so loading overlaps computing. unroll: bodies copied, no loop.
parallel: around scopes, tasks that do not depend on each other.
"""

import torch
from check import Case, main, normal

import pypto.language as pl

ROWS, COLS, TILE = 256, 128, 32
Matrix = pl.Tensor[[ROWS, COLS], pl.FP32]


@pl.jit
def plain(x: Matrix, y: pl.Out[Matrix]):
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="plain"):
        for row in pl.range(0, ROWS, TILE):  # begin, end, step
            y[row : row + TILE, :] = pl.exp(x[row : row + TILE, :])
    return y


@pl.jit
def overlapped(x: Matrix, y: pl.Out[Matrix]):
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="overlapped"):
        for row in pl.pipeline(0, ROWS, TILE, stage=2):
            y[row : row + TILE, :] = pl.exp(x[row : row + TILE, :])
    return y


@pl.jit
def carried(x: Matrix, y: pl.Out[pl.Tensor[[TILE, COLS], pl.FP32]]):
    """A tile that is assigned in the loop goes from iteration to iteration."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="carried"):
        total = pl.full([TILE, COLS], dtype=pl.FP32, value=0.0)
        for i in pl.pipeline(ROWS // TILE, stage=4):
            total = pl.add(total, x[i * TILE : i * TILE + TILE, :])
        y[:, :] = total
    return y


@pl.jit
def unrolled(x: Matrix, y: pl.Out[Matrix]):
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="unrolled"):
        for i in pl.unroll(ROWS // TILE):
            row = i * TILE
            y[row : row + TILE, :] = pl.exp(x[row : row + TILE, :])
    return y


@pl.jit
def a_task_each(x: Matrix, y: pl.Out[Matrix]):
    for i in pl.parallel(ROWS // TILE):
        with pl.at(level=pl.Level.CORE_GROUP, name_hint="a_task_each"):
            row = i * TILE
            y[row : row + TILE, :] = pl.exp(x[row : row + TILE, :])
    return y


if __name__ == "__main__":
    x = normal(ROWS, COLS)
    main(
        *(Case(kernel, [x], [torch.zeros(ROWS, COLS)], torch.exp)
          for kernel in (plain, overlapped, unrolled, a_task_each)),
        Case(carried, [x], [torch.zeros(TILE, COLS)],
             lambda x: x.reshape(-1, TILE, COLS).sum(0), atol=1e-4),
    )
