"""Comparing tiles: 1 where it holds, 0 elsewhere; and what to do with that.

cmp_type: 0 equal, 1 not equal, 2 less, 3 less or equal, 4 greater, 5 greater or equal.
"""

import torch
from check import Case, main, normal

import pypto.language as pl

ROWS, COLS, BLOCKS = 8, 128, 8
Matrix = pl.Tensor[[ROWS, COLS], pl.FP32]
Whole = pl.Tensor[[ROWS, COLS], pl.INT32]


@pl.jit
def which_block(x: pl.Tensor[[BLOCKS * ROWS, COLS], pl.FP32], largest: pl.Out[Matrix],
                block_of: pl.Out[Whole]):
    """A running maximum and the block it came from: arithmetic with ones and zeros."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="which_block"):
        best = x[0:ROWS, :]
        place = pl.full([ROWS, COLS], dtype=pl.INT32, value=0)
        for b in pl.range(1, BLOCKS):
            t = x[b * ROWS : b * ROWS + ROWS, :]
            newer = pl.cast(pl.cmp(t, best, cmp_type=4), target_type=pl.INT32)
            best = pl.maximum(best, t)
            place = pl.add(place, pl.mul(newer, pl.neg(pl.sub(place, b))))
        largest[:, :] = best
        block_of[:, :] = place
    return largest, block_of


@pl.jit
def with_a_number(x: Matrix, y: pl.Out[Whole]):
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="with_a_number"):
        y[:, :] = pl.cast(pl.cmp(x[:, :], 0.5, cmp_type=2), target_type=pl.INT32)
    return y


def golden_block(x):
    values, place = x.reshape(BLOCKS, ROWS, COLS).max(0)
    return values, place.int()


def whole():
    return torch.zeros(ROWS, COLS, dtype=torch.int32)


if __name__ == "__main__":
    main(
        Case(which_block, [normal(BLOCKS * ROWS, COLS)], [torch.zeros(ROWS, COLS), whole()],
             golden_block),
        Case(with_a_number, [normal(ROWS, COLS)], [whole()], lambda x: (x < 0.5).int()),
    )
