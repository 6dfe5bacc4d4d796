"""Scalars: parameters, elements of tensors and tiles, arrays; branches and loops that use them.

Outside of scopes a read waits for the task that writes the element: the program can depend on its
own results. Inside, it is a load of the scalar unit.
"""

import torch
from check import Case, between, main, normal

import pypto.language as pl

GROUPS, ROWS, COLS = 4, 32, 64
Matrix = pl.Tensor[[ROWS, COLS], pl.FP32]
Counts = pl.Tensor[[1, GROUPS], pl.INT32]


@pl.jit
def parameters(x: Matrix, factor: pl.Scalar[pl.FP32], negate: pl.Scalar[pl.BOOL],
               y: pl.Out[Matrix]):
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="parameters"):
        t = pl.mul(x[:, :], factor)
        if negate:
            t = pl.neg(t)
        y[:, :] = t
    return y


@pl.jit
def results_decide(x: Matrix, counts: Counts, y: pl.Out[Matrix]):
    """The orchestration reads how many rows each group has; a group without rows is no task."""
    first = pl.const(0, pl.INDEX)
    for g in pl.range(GROUPS):
        rows = pl.cast(pl.tensor.read(counts, [0, g]), pl.INDEX)
        if rows > 0 and first + rows <= ROWS:
            with pl.at(level=pl.Level.CORE_GROUP, name_hint="group"):
                for i in pl.range(rows):
                    row = x[first + i : first + i + 1, :]
                    y[first + i : first + i + 1, :] = pl.mul(row, g + 1.0)
        first = first + rows
    return y


@pl.jit
def histogram(ids: pl.Tensor[[1, ROWS], pl.INT32], counts: pl.Out[Counts],
              starts: pl.Out[Counts]):
    """An array of the scalar unit, its result into a tensor and, through a tile, into another."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="histogram"):
        slots = pl.array.create(GROUPS, pl.INT32)
        for i in pl.range(ROWS):
            group = pl.min(pl.max(pl.read(ids, [0, i]), 0), GROUPS - 1)
            slots[group] = slots[group] + 1
        for g in pl.range(GROUPS):
            pl.write(counts, [0, g], slots[g])
        t = pl.create_tile([1, 8], dtype=pl.INT32, target_memory=pl.MemorySpace.Vec)
        total = pl.const(0, pl.INT32)
        for g in pl.range(GROUPS):
            pl.tile.write(t, [0, g], total)
            total = total + slots[g]
        starts[:, :] = t[:, 0:GROUPS]
    return counts, starts


@pl.jit
def elements(x: Matrix, y: pl.Out[pl.Tensor[[1, 8], pl.FP32]]):
    """Elements of a tile come as numbers and can be operands."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="elements"):
        t = x[:, :]
        largest = pl.read(pl.col_max(pl.row_expand(t, pl.row_max(t))), [0, 0])
        y[:, :] = pl.sub(t[0:1, 0:8], largest)
    return y


def golden_groups(x, counts):
    factor = torch.repeat_interleave(torch.arange(GROUPS) + 1.0, counts[0].long())
    y = torch.zeros_like(x)
    y[: len(factor)] = x[: len(factor)] * factor[:, None]
    return y


def golden_histogram(ids):
    counts = torch.bincount(ids[0].clamp(0, GROUPS - 1), minlength=GROUPS).reshape(1, GROUPS).int()
    return counts, (counts.cumsum(1) - counts).int()


def integers():
    return torch.zeros(1, GROUPS, dtype=torch.int32)


if __name__ == "__main__":
    x = normal(ROWS, COLS)
    counts = torch.tensor([[5, 0, 9, 3]], dtype=torch.int32)
    main(
        Case(parameters, [x, 2.5, True], [torch.zeros(ROWS, COLS)], lambda x, f, n: -x * f),
        Case(results_decide, [x, counts], [torch.zeros(ROWS, COLS)], golden_groups),
        Case(histogram, [between(-1, 6, 1, ROWS)], [integers(), integers()], golden_histogram),
        Case(elements, [x], [torch.zeros(1, 8)], lambda x: x[0:1, 0:8] - x.max()),
    )
