"""Reductions of a tile to a column (rows) or to a row (columns), and a softmax made of them.

A row reduction of [M, N] gives [M, 1], a column reduction gives [1, N].
"""

import torch
from check import Case, main, normal

import pypto.language as pl

ROWS, COLS = 32, 128
Matrix = pl.Tensor[[ROWS, COLS], pl.FP32]
Column = pl.Tensor[[ROWS, 1], pl.FP32]
Row = pl.Tensor[[1, COLS], pl.FP32]


@pl.jit
def rows(x: Matrix, total: pl.Out[Column], largest: pl.Out[Column], smallest: pl.Out[Column],
         place: pl.Out[pl.Tensor[[ROWS, 1], pl.INT32]]):
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="rows"):
        t = x[:, :]
        total[:, :] = pl.row_sum(t)
        largest[:, :] = pl.row_max(t)
        smallest[:, :] = pl.row_min(t)
        place[:, :] = pl.row_argmax(t)
    return total, largest, smallest, place


@pl.jit
def columns(x: Matrix, total: pl.Out[Row], largest: pl.Out[Row]):
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="columns"):
        t = x[:, :]
        total[:, :] = pl.col_sum(t)
        largest[:, :] = pl.col_max(t)
    return total, largest


@pl.jit
def softmax(x: Matrix, y: pl.Out[Matrix]):
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="softmax"):
        t = x[:, :]
        e = pl.exp(pl.row_expand_sub(t, pl.row_max(t)))
        y[:, :] = pl.row_expand_div(e, pl.row_sum(e))
    return y


@pl.jit
def explicit_scratch(x: Matrix, y: pl.Out[Column]):
    """Reductions need a scratch tile; who manages UB himself passes one."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="explicit_scratch"):
        tmp = pl.create_tile([ROWS, COLS], dtype=pl.FP32, target_memory=pl.MemorySpace.Vec)
        y[:, :] = pl.row_sum(x[:, :], tmp_tile=tmp)
    return y


def column(dtype=torch.float32):
    return torch.zeros(ROWS, 1, dtype=dtype)


if __name__ == "__main__":
    x = normal(ROWS, COLS)
    main(
        Case(rows, [x], [column(), column(), column(), column(torch.int32)],
             lambda x: (x.sum(1, True), x.amax(1, True), x.amin(1, True),
                        x.argmax(1, True).int()), atol=1e-4),
        Case(columns, [x], [torch.zeros(1, COLS), torch.zeros(1, COLS)],
             lambda x: (x.sum(0, True), x.amax(0, True)), atol=1e-4),
        Case(softmax, [x], [torch.zeros(ROWS, COLS)], lambda x: x.softmax(1)),
        Case(explicit_scratch, [x], [column()], lambda x: x.sum(1, True), atol=1e-4),
    )
