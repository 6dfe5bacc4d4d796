"""Moving data: windows of tensors in global memory (GM) to tiles on the core and back.

In a scope a window of a tensor is a load (MTE2) and an assignment to one is a store (MTE3).
Outside of scopes a window is a view: no copy, no time.
"""

import torch
from check import Case, main, normal

import pypto.language as pl

ROWS, COLS = 32, 128
HALF = COLS // 2
Matrix = pl.Tensor[[ROWS, COLS], pl.FP32]


@pl.jit
def four_spellings(x: Matrix, y: pl.Out[Matrix]):
    """Swaps the halves of all rows, eight rows at a time, in four equal spellings."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="four_spellings"):
        y[0:8, 0:HALF] = x[0:8, HALF:COLS]
        y[0:8, HALF:COLS] = x[0:8, 0:HALF]

        right = pl.slice(x, [8, HALF], [8, HALF])  # shape, offset
        left = pl.slice(x, [8, HALF], [8, 0])
        y = pl.assemble(y, right, [8, 0])
        y = pl.assemble(y, left, [8, HALF])

        right = pl.load(x, [16, HALF], [8, HALF])  # offsets, shapes
        left = pl.load(x, [16, 0], [8, HALF], target_memory=pl.MemorySpace.Vec)
        y = pl.store(right, [16, 0], y)
        y = pl.store(left, [16, HALF], y)

        right = pl.tile.load(x, [24, HALF], [8, HALF])
        left = pl.tile.load(x, [24, 0], [8, HALF])
        y = pl.tile.store(right, [24, 0], y)
        y = pl.tile.store(left, [24, HALF], y)
    return y


@pl.jit
def tiles_of_tiles(x: Matrix, y: pl.Out[Matrix], z: pl.Out[Matrix]):
    """Tiles have windows, too: put together in UB, stored once."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="tiles_of_tiles"):
        t = x[:, :]
        y[:, :] = pl.concat(t[:, HALF:COLS], t[:, 0:HALF])
        both = pl.tile.create([ROWS, COLS], dtype=pl.FP32, target_memory=pl.MemorySpace.Vec)
        both = pl.tile.assemble(both, t[:, HALF:COLS], [0, 0])
        both = pl.assemble(both, t[:, 0:HALF], [0, HALF])
        z[:, :] = both
    return y, z


@pl.jit
def views_and_temporaries(x: Matrix, y: pl.Out[Matrix]):
    """Views and reshapes of tensors cost nothing; a temporary in GM joins two tasks."""
    left = x[:, 0:HALF]
    right = pl.slice(x, [ROWS, HALF], [0, HALF])
    total = pl.create_tensor([ROWS, HALF], dtype=pl.FP32)
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="total"):
        total[:, :] = pl.add(left[:, :], right[:, :])
    flat = pl.reshape(total, [ROWS * HALF])
    wide = pl.reshape(flat, [ROWS // 2, COLS])
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="wide"):
        y[0 : ROWS // 2, :] = wide[:, :]
        y[ROWS // 2 : ROWS, :] = pl.neg(wide[:, :])
    return y


@pl.jit
def turned(x: Matrix, y: pl.Out[pl.Tensor[[COLS, ROWS], pl.FP32]],
           z: pl.Out[pl.Tensor[[COLS, ROWS], pl.FP32]]):
    """transpose of a tile moves elements; of a tensor only strides: a view to load from."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="turned_tile"):
        y[:, :] = pl.transpose(x[:, :], 0, 1)
    w = pl.transpose(x, 0, 1)
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="turned_view"):
        z[:, :] = w[:, :]
    return y, z


@pl.jit
def sum_of_blocks(x: Matrix, y: pl.Out[pl.Tensor[[1, COLS], pl.FP32]]):
    """Blocks add to the same place: a zeroed temporary and an atomic store."""
    total = pl.create_tensor([1, COLS], dtype=pl.FP32, init_value=0.0)
    for b in pl.spmd(4, name_hint="partial"):
        part = pl.col_sum(x[b * 8 : b * 8 + 8, :])
        total = pl.assemble(total, part, [0, 0], atomic=pl.AtomicType.Add)
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="copy"):
        y[:, :] = total[:, :]
    return y


def swapped(x):
    return torch.cat([x[:, HALF:], x[:, :HALF]], 1)


def golden_views(x):
    wide = (x[:, :HALF] + x[:, HALF:]).reshape(ROWS // 2, COLS)
    return torch.cat([wide, -wide])


def zeros(rows=ROWS, cols=COLS):
    return torch.zeros(rows, cols)


if __name__ == "__main__":
    x = normal(ROWS, COLS)
    main(
        Case(four_spellings, [x], [zeros()], swapped),
        Case(tiles_of_tiles, [x], [zeros(), zeros()], lambda x: (swapped(x), swapped(x))),
        Case(views_and_temporaries, [x], [zeros()], golden_views),
        Case(turned, [x], [zeros(COLS, ROWS), zeros(COLS, ROWS)], lambda x: (x.t(), x.t())),
        Case(sum_of_blocks, [x], [zeros(1)], lambda x: x.sum(0, True), atol=1e-4),
    )
