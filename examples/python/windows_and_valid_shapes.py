"""Partial tiles: a tile's shape is fixed, its valid shape says how much of it counts.

A window past the edge of a tensor has a smaller valid shape. Stores write only what is valid,
reductions look only at it. `fillpad` makes the rest real: zeros, the lowest or the highest number.
"""

import torch
from check import Case, main, normal

import pypto.language as pl

ROWS, COLS = 20, 100  # neither is a multiple of the tile
TILE_ROWS, TILE_COLS = 16, 128
Matrix = pl.Tensor[[ROWS, COLS], pl.FP32]
Column = pl.Tensor[[ROWS, 1], pl.FP32]


@pl.jit
def over_the_edge(x: Matrix, y: pl.Out[Matrix]):
    for b in pl.spmd((ROWS + TILE_ROWS - 1) // TILE_ROWS, name_hint="over_the_edge"):
        row = b * TILE_ROWS
        t = x[row : row + TILE_ROWS, 0:TILE_COLS]  # the last one has 4 valid rows of 100
        y[row : row + TILE_ROWS, 0:TILE_COLS] = pl.mul(t, 2.0)
    return y


@pl.jit
def explicit(x: Matrix, y: pl.Out[Matrix]):
    """The author says what is valid: in the load, or later."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="explicit"):
        for row in pl.range(0, ROWS, TILE_ROWS):
            rows = pl.min(TILE_ROWS, ROWS - row)
            t = pl.load(x, [row, 0], [TILE_ROWS, TILE_COLS], valid_shapes=[rows, 50])
            y[row : row + TILE_ROWS, 0:TILE_COLS] = t
            t = pl.slice(x, [TILE_ROWS, 64], [row, 50], valid_shape=[rows, 50])
            t = pl.set_validshape(pl.neg(t), rows, 50)
            y = pl.assemble(y, t, [row, 50])
    return y


@pl.jit
def padded(x: Matrix, total: pl.Out[Column], largest: pl.Out[Column], smallest: pl.Out[Column]):
    """Padding that does not change the result: zero for sums, min for maxima, max for minima."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="padded"):
        for row in pl.range(0, ROWS, TILE_ROWS):
            t = x[row : row + TILE_ROWS, 0:TILE_COLS]
            zero = pl.fillpad(t, pad_value=pl.PadValue.zero)
            low = pl.fillpad(t, pad_value=pl.PadValue.min)
            high = pl.tile.fillpad(t, pad_value=pl.PadValue.max)
            rows = pl.min(TILE_ROWS, ROWS - row)
            total[row : row + TILE_ROWS, :] = pl.tile.set_validshape(pl.row_sum(zero), rows, 1)
            largest[row : row + TILE_ROWS, :] = pl.tensor.set_validshape(pl.row_max(low), rows, 1)
            smallest[row : row + TILE_ROWS, :] = pl.set_validshape(pl.row_min(high), rows, 1)
    return total, largest, smallest


@pl.jit
def ignored(x: Matrix, n: pl.Scalar[pl.INT32], largest: pl.Out[Column]):
    """Reductions ignore what is not valid, also when n is only known at run time."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="ignored"):
        t = pl.set_validshape(x[0:ROWS, 0:TILE_COLS], ROWS, n)
        largest[:, :] = pl.row_max(t)
    return largest


def golden_explicit(x):
    return torch.cat([x[:, :50], -x[:, 50:]], 1)


def column():
    return torch.zeros(ROWS, 1)


if __name__ == "__main__":
    x = normal(ROWS, COLS)
    main(
        Case(over_the_edge, [x], [torch.zeros(ROWS, COLS)], lambda x: x * 2),
        Case(explicit, [x], [torch.zeros(ROWS, COLS)], golden_explicit),
        Case(padded, [x - 5], [column(), column(), column()],
             lambda x: (x.sum(1, True), x.amax(1, True), x.amin(1, True)), atol=1e-4),
        Case(ignored, [x, 37], [column()], lambda x, n: x[:, :n].amax(1, True)),
    )
