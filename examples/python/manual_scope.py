"""Dependencies by hand: in pl.manual_scope only deps= counts.

The runtime finds dependencies by looking tensors up; where the author knows better, that cost goes
away. Smaller means to the same end: manual_dep=True on a temporary, pl.no_dep on an argument
(incore_and_submit.py).
"""

import torch
from check import Case, main, normal

import pypto.language as pl

ROWS, COLS, PARTS = 64, 128, 4
PART = ROWS // PARTS
Matrix = pl.Tensor[[ROWS, COLS], pl.FP32]


@pl.jit(auto_scope=False)
def chain_by_hand(x: Matrix, y: pl.Out[Matrix]):
    doubled = pl.create_tensor([ROWS, COLS], dtype=pl.FP32)
    ids = pl.array.create(PARTS, pl.TASK_ID)
    with pl.manual_scope():
        for part in pl.unroll(PARTS):
            row = part * PART
            with pl.at(level=pl.Level.CORE_GROUP, name_hint="double") as tid:
                doubled[row : row + PART, :] = pl.mul(x[row : row + PART, :], 2.0)
            ids[part] = tid
        with pl.spmd(PARTS, name_hint="plus_one", deps=[ids[i] for i in range(PARTS)]):
            row = pl.tile.get_block_idx() * PART
            y[row : row + PART, :] = pl.add(doubled[row : row + PART, :], 1.0)
    return y


@pl.jit
def untracked_temporary(x: Matrix, y: pl.Out[Matrix]):
    """Blocks of both tasks touch disjoint rows: one edge says all there is to say."""
    halves = pl.create_tensor([ROWS, COLS], dtype=pl.FP32, manual_dep=True)
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="upper") as upper:
        halves[0 : ROWS // 2, :] = pl.neg(x[0 : ROWS // 2, :])
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="lower") as lower:
        halves[ROWS // 2 : ROWS, :] = pl.abs(x[ROWS // 2 : ROWS, :])
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="both", deps=[upper, lower]):
        y[:, :] = halves[:, :]
    return y


def golden_halves(x):
    return torch.cat([-x[: ROWS // 2], x[ROWS // 2 :].abs()])


if __name__ == "__main__":
    x = normal(ROWS, COLS)
    main(
        Case(chain_by_hand, [x], [torch.zeros(ROWS, COLS)], lambda x: x * 2 + 1),
        Case(untracked_temporary, [x], [torch.zeros(ROWS, COLS)], golden_halves),
    )
