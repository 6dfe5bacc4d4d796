"""Tasks and their order: from the tensors they touch, or said by the author.

A task that reads what another wrote waits for it: nobody has to say so. deps= adds an edge that
tensors do not show. A task id is a value: `as tid`, arrays of ids, parameters of type pl.TASK_ID.
"""

import torch
from check import Case, main, normal

import pypto.language as pl

ROWS, COLS, PARTS = 64, 128, 4
PART = ROWS // PARTS
Matrix = pl.Tensor[[ROWS, COLS], pl.FP32]


@pl.jit
def from_tensors(x: Matrix, y: pl.Out[Matrix]):
    middle = pl.create_tensor([ROWS, COLS], dtype=pl.FP32)
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="first"):
        middle[:, :] = pl.mul(x[:, :], 2.0)
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="second"):
        y[:, :] = pl.add(middle[:, :], 1.0)
    return y


@pl.jit
def tile_across_tasks(x: Matrix, y: pl.Out[Matrix]):
    """A tile outlives its scope: it goes through GM, which costs a store and a load."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="make"):
        total = pl.row_sum(x[:, :])
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="use"):
        y[:, :] = pl.row_expand_mul(x[:, :], total)
    return y


@pl.jit.inline
def part_of(x, y, part, done: pl.Array[PARTS, pl.TASK_ID]):
    row = part * PART
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="part", allow_early_resolve=True) as tid:
        y[row : row + PART, :] = pl.exp(x[row : row + PART, :])
    done[part] = tid
    return y, done


@pl.jit.inline
def after(x, y, before: pl.Scalar[pl.TASK_ID]):
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="after", deps=[before]):
        y[:, :] = pl.add(x[:, :], 1.0)
    return y


@pl.jit(auto_scope=False)
def joined(x: Matrix, y: pl.Out[Matrix]):
    """Many tasks, one id: task_dummy does nothing but wait for its deps."""
    middle = pl.create_tensor([ROWS, COLS], dtype=pl.FP32)
    done = pl.array.create(PARTS, pl.TASK_ID)
    for part in pl.parallel(PARTS):
        middle, done = part_of(x, middle, part, done)
    join = pl.system.task_dummy(deps=[done])
    y = after(middle, y, join)
    return y


@pl.jit(auto_scope=False)
def scopes_of_the_runtime(x: Matrix, y: pl.Out[Matrix]):
    """Temporaries of a runtime scope are given back at its end, so heap rings stay small."""
    for part in pl.range(PARTS):
        row = part * PART
        with pl.scope():
            middle = pl.create_tensor([PART, COLS], dtype=pl.FP32)
            with pl.at(level=pl.Level.CORE_GROUP, name_hint="double"):
                middle[:, :] = pl.mul(x[row : row + PART, :], 2.0)
            with pl.at(level=pl.Level.CORE_GROUP, name_hint="write_back"):
                y[row : row + PART, :] = middle[:, :]
    return y


if __name__ == "__main__":
    x = normal(ROWS, COLS)

    def y():
        return [torch.zeros(ROWS, COLS)]

    main(
        Case(from_tensors, [x], y(), lambda x: x * 2 + 1),
        Case(tile_across_tasks, [x], y(), lambda x: x * x.sum(1, True), atol=1e-3),
        Case(joined, [x], y(), lambda x: x.exp() + 1),
        Case(scopes_of_the_runtime, [x], y(), lambda x: x * 2),
    )
