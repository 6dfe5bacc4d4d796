"""Broadcasts: a column [M, 1] along the columns of a tile, a row [1, N] along its rows.

`row_expand_*` combines each row with its element of the column, `col_expand_*` each column with
its element of the row. The first operand gives the shape.
"""

import torch
from check import Case, main, normal

import pypto.language as pl

ROWS, COLS = 16, 64
Matrix = pl.Tensor[[ROWS, COLS], pl.FP32]
Column = pl.Tensor[[ROWS, 1], pl.FP32]
Row = pl.Tensor[[1, COLS], pl.FP32]


@pl.jit
def with_a_column(x: Matrix, c: Column, copied: pl.Out[Matrix], added: pl.Out[Matrix],
                  subtracted: pl.Out[Matrix], multiplied: pl.Out[Matrix],
                  divided: pl.Out[Matrix]):
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="with_a_column"):
        t = x[:, :]
        column = c[:, :]
        copied[:, :] = pl.row_expand(pl.full([ROWS, COLS], dtype=pl.FP32, value=0.0), column)
        added[:, :] = pl.row_expand_add(t, column)
        subtracted[:, :] = pl.row_expand_sub(t, column)
        multiplied[:, :] = pl.row_expand_mul(t, column)
        divided[:, :] = pl.row_expand_div(t, column)
    return copied, added, subtracted, multiplied, divided


@pl.jit
def short_form(x: Matrix, c: Column, y: pl.Out[Matrix]):
    """A column as the second operand of add, sub, mul and div means the same."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="short_form"):
        column = c[:, :]
        y[:, :] = pl.div(pl.mul(pl.add(x[:, :], column), column), column)
    return y


@pl.jit
def with_a_row(x: Matrix, r: Row, copied: pl.Out[Matrix], added: pl.Out[Matrix],
               multiplied: pl.Out[Matrix], e: pl.Out[Matrix]):
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="with_a_row"):
        t = x[:, :]
        row = r[:, :]
        copied[:, :] = pl.col_expand(pl.tile.full([ROWS, COLS], dtype=pl.FP32, value=0.0), row)
        added[:, :] = pl.col_expand_add(t, row)
        multiplied[:, :] = pl.col_expand_mul(t, row)
        e[:, :] = pl.col_expand_expdif(t, row)  # exp(x - row), the step of a column softmax
    return copied, added, multiplied, e


@pl.jit
def rms_norm(x: Matrix, gamma: Row, y: pl.Out[Matrix]):
    """Statistics of rows as [1, M]: a free reshape, and cheap element-wise operations."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="rms_norm"):
        t = x[:, :]
        squares = pl.reshape(pl.row_sum(pl.mul(t, t)), [1, ROWS])
        inverse = pl.rsqrt(pl.add(pl.mul(squares, 1.0 / COLS), 1e-6), high_precision=True)
        scaled = pl.row_expand_mul(t, pl.reshape(inverse, [ROWS, 1]))
        y[:, :] = pl.col_expand_mul(scaled, gamma[:, :])
    return y


def golden_rms(x, gamma):
    return x * torch.rsqrt((x * x).mean(1, True) + 1e-6) * gamma


def zeros(count):
    return [torch.zeros(ROWS, COLS) for _ in range(count)]


if __name__ == "__main__":
    x, c, r = normal(ROWS, COLS), normal(ROWS, 1, seed=1).abs() + 1, normal(1, COLS, seed=2)
    main(
        Case(with_a_column, [x, c], zeros(5),
             lambda x, c: (c.expand(ROWS, COLS), x + c, x - c, x * c, x / c)),
        Case(short_form, [x, c], zeros(1), lambda x, c: (x + c) * c / c),
        Case(with_a_row, [x, r], zeros(4),
             lambda x, r: (r.expand(ROWS, COLS), x + r, x * r, (x - r).exp())),
        Case(rms_norm, [x, r], zeros(1), golden_rms),
    )
