"""One task over many cores: pl.spmd runs its body once per block; a block works on its part.

Two spellings. `for b in pl.spmd(n)` hands over the block's number, `with pl.spmd(n) as tid` names
the task; the number is then `pl.tile.get_block_idx()`.
"""

import torch
from check import Case, main, normal

import pypto.language as pl

ROWS, COLS, TILE = 128, 256, 16
BLOCKS = ROWS // TILE
Matrix = pl.Tensor[[ROWS, COLS], pl.FP32]


@pl.jit
def for_form(x: Matrix, y: pl.Out[Matrix]):
    for b in pl.spmd(BLOCKS, name_hint="for_form"):
        row = b * TILE
        y[row : row + TILE, :] = pl.exp(x[row : row + TILE, :])
    return y


@pl.jit
def with_form(x: Matrix, y: pl.Out[Matrix]):
    squares = pl.create_tensor([ROWS, COLS], dtype=pl.FP32)
    with pl.spmd(BLOCKS, name_hint="squares", allow_early_resolve=True) as tid:
        row = pl.tile.get_block_idx() * TILE
        t = x[row : row + TILE, :]
        squares[row : row + TILE, :] = pl.mul(t, t)
    with pl.spmd(BLOCKS, name_hint="plus_one", deps=[tid]):
        row = pl.tile.get_block_idx() * TILE
        y[row : row + TILE, :] = pl.add(squares[row : row + TILE, :], 1.0)
    return y


@pl.jit
def strided(x: Matrix, cores: pl.Scalar[pl.INT32], y: pl.Out[Matrix]):
    """As many blocks as there are cores, each with every cores-th tile of the work."""
    with pl.spmd(cores, name_hint="strided"):
        for i in pl.range(pl.tile.get_block_idx(), BLOCKS, cores):
            y[i * TILE : i * TILE + TILE, :] = pl.neg(x[i * TILE : i * TILE + TILE, :])
    return y


@pl.jit
def rows_and_columns(x: Matrix, y: pl.Out[Matrix]):
    """A two-dimensional grid is arithmetic on the block number."""
    for b in pl.spmd(BLOCKS * 2, name_hint="rows_and_columns"):
        row = (b // 2) * TILE
        col = (b % 2) * (COLS // 2)
        if col == 0:
            y[row : row + TILE, 0 : COLS // 2] = pl.abs(x[row : row + TILE, 0 : COLS // 2])
        else:
            y[row : row + TILE, COLS // 2 : COLS] = x[row : row + TILE, COLS // 2 : COLS]
    return y


def golden_grid(x):
    return torch.cat([x[:, : COLS // 2].abs(), x[:, COLS // 2 :]], 1)


if __name__ == "__main__":
    x = normal(ROWS, COLS)

    def y():
        return [torch.zeros(ROWS, COLS)]

    main(
        Case(for_form, [x], y(), torch.exp),
        Case(with_form, [x], y(), lambda x: x * x + 1),
        Case(strided, [x, 3], y(), lambda x, cores: -x),
        Case(rows_and_columns, [x], y(), golden_grid),
    )
