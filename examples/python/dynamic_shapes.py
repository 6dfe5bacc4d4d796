"""Dimensions that are known when the program is called.

pl.dynamic names one; it may be part of several annotations, then the arguments must agree. In the
program it works as a number. Tiles stay fixed in size: the last one is partly valid.
"""

import torch
from check import Case, main, normal

import pypto.language as pl

COLS, TILE = 128, 16
TOKENS = pl.dynamic("TOKENS")
BATCH = pl.dynamic("BATCH")
Rows = pl.Tensor[[TOKENS, COLS], pl.FP32]


@pl.jit
def any_rows(x: Rows, y: pl.Out[Rows]):
    for b in pl.spmd((TOKENS + TILE - 1) // TILE, name_hint="any_rows"):
        row = b * TILE
        y[row : row + TILE, :] = pl.mul(x[row : row + TILE, :], 2.0)
    return y


@pl.jit
def asked(x: Rows, y: pl.Out[Rows]):
    """The tensor itself knows its extent; bind_dynamic gives it a name."""
    x.bind_dynamic(0, TOKENS)
    rows = pl.tensor.dim(x, 0)
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="asked"):
        for row in pl.range(0, rows, TILE):
            valid = pl.min(rows - row, TILE)
            t = pl.slice(x, [TILE, COLS], [row, 0], valid_shape=[valid, COLS])
            y[row : row + TILE, :] = pl.add(t, 1.0)
    return y


@pl.jit
def computed(x: pl.Tensor[[BATCH * 4, COLS], pl.FP32],
             scale: pl.Tensor[[BATCH, 1], pl.FP32],
             y: pl.InOut[pl.Tensor[[BATCH * 4, COLS], pl.FP32]]):
    """Annotations may compute; pl.InOut is read and written."""
    for b in pl.parallel(BATCH):
        with pl.at(level=pl.Level.CORE_GROUP, name_hint="computed"):
            factor = pl.read(scale, [b, 0])
            old = y[b * 4 : b * 4 + 4, :]
            y[b * 4 : b * 4 + 4, :] = pl.add(old, pl.mul(x[b * 4 : b * 4 + 4, :], factor))
    return y


if __name__ == "__main__":
    cases = []
    for rows in (5, 16, 33):
        x = normal(rows, COLS)
        cases += [
            Case(any_rows, [x], [torch.zeros(rows, COLS)], lambda x: x * 2, name=f"any_{rows}"),
            Case(asked, [x], [torch.zeros(rows, COLS)], lambda x: x + 1, name=f"asked_{rows}"),
        ]
    cases.append(Case(computed, [normal(12, COLS), normal(3, 1, seed=1)], [torch.ones(12, COLS)],
                      lambda x, s: 1 + x * s.repeat_interleave(4, 0)))
    main(*cases)
