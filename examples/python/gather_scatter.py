"""Choosing lanes of a tile by index or by a fixed pattern, and rows of a tensor by index."""

import torch
from check import Case, between, main, normal

import pypto.language as pl

ROWS, COLS = 8, 64
Matrix = pl.Tensor[[ROWS, COLS], pl.FP32]
Half = pl.Tensor[[ROWS, COLS // 2], pl.FP32]
Index = pl.Tensor[[ROWS, COLS], pl.INT32]
TABLE_ROWS = 100


@pl.jit
def by_index(x: Matrix, index: Index, y: pl.Out[Matrix], z: pl.Out[Matrix]):
    """out[r, j] = x[r, index[r, j]]"""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="by_index"):
        t = x[:, :]
        i = index[:, :]
        y[:, :] = pl.gather(t, dim=-1, index=i)
        scratch = pl.create_tile([ROWS, COLS], dtype=pl.INT32, target_memory=pl.MemorySpace.Vec)
        z[:, :] = pl.tile.gather(t, i, scratch)
    return y, z


@pl.jit
def even_and_odd(x: Matrix, even: pl.Out[Half], odd: pl.Out[Half]):
    """The first lane of a pair (P0101) and the second one (P1010)."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="even_and_odd"):
        t = x[:, :]
        even[:, :] = pl.gather(t, mask_pattern=pl.tile.MaskPattern.P0101)
        odd[:, :] = pl.tensor.gather(t, mask_pattern=pl.tile.MaskPattern.P1010)
    return even, odd


@pl.jit
def rotate_pairs(x: Matrix, y: pl.Out[Matrix]):
    """(a, b) -> (-b, a), the turn of a rotary embedding: an index made on the core."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="rotate_pairs"):
        lane = pl.cast(pl.arange(0, [1, COLS], dtype=pl.INT32), target_type=pl.FP32)
        pair = pl.cast(pl.cast(pl.mul(lane, 0.5), pl.INT32, mode="trunc"), pl.FP32)
        odd = pl.sub(lane, pl.mul(pair, 2.0))  # 0 1 0 1
        sign = pl.sub(pl.mul(odd, 2.0), 1.0)  # -1 1 -1 1
        other = pl.cast(pl.sub(lane, sign), pl.INT32, mode="rint")  # 1 0 3 2
        shape = pl.full([ROWS, COLS], dtype=pl.INT32, value=0)
        swapped = pl.gather(x[:, :], dim=-1, index=pl.col_expand(shape, other))
        y[:, :] = pl.col_expand_mul(swapped, sign)
    return y


@pl.jit
def interleave(even: Half, odd: Half, y: pl.Out[Matrix]):
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="interleave"):
        t = pl.full([ROWS, COLS], dtype=pl.FP32, value=0.0)
        t = pl.tensor.scatter(even[:, :], mask_pattern=pl.tile.MaskPattern.P0101, dst=t)
        t = pl.tensor.scatter(odd[:, :], mask_pattern=pl.tile.MaskPattern.P1010, dst=t)
        y[:, :] = t
    return y


@pl.jit
def scatter_by_index(x: Matrix, index: Index, y: pl.Out[Matrix]):
    """out[r, index[r, j]] = x[r, j]"""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="scatter_by_index"):
        t = pl.full([ROWS, COLS], dtype=pl.FP32, value=0.0)
        y[:, :] = pl.tensor.scatter(t, dim=-1, index=index[:, :], src=x[:, :])
    return y


@pl.jit
def rows_of_a_table(table: pl.Tensor[[TABLE_ROWS, COLS], pl.FP32],
                    wanted: pl.Tensor[[1, ROWS], pl.INT32], y: pl.Out[Matrix]):
    """One load per row into its place of one tile: how paged caches are read."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="rows_of_a_table"):
        t = pl.create_tensor([ROWS, COLS], dtype=pl.FP32)
        for r in pl.range(ROWS):
            row = pl.cast(pl.read(wanted, [0, r]), pl.INDEX)
            t = pl.gather_row(t, table, [r, 0], [row, 0], [1, COLS])
        y[:, :] = t
    return y


def golden_rotate(x):
    pairs = x.reshape(ROWS, COLS // 2, 2)
    return torch.stack([-pairs[..., 1], pairs[..., 0]], -1).reshape(ROWS, COLS)


def zeros(cols=COLS):
    return torch.zeros(ROWS, cols)


if __name__ == "__main__":
    x, index = normal(ROWS, COLS), between(0, COLS, ROWS, COLS)
    order = normal(ROWS, COLS, seed=2).argsort(1).int()  # a permutation in each row
    even, odd = x[:, 0::2].contiguous(), x[:, 1::2].contiguous()
    main(
        Case(by_index, [x, index], [zeros(), zeros()],
             lambda x, i: (x.gather(1, i.long()),) * 2),
        Case(even_and_odd, [x], [zeros(COLS // 2), zeros(COLS // 2)],
             lambda x: (x[:, 0::2], x[:, 1::2])),
        Case(rotate_pairs, [x], [zeros()], golden_rotate),
        Case(interleave, [even, odd], [zeros()], lambda e, o: x, platforms=("a2a3sim",)),
        Case(scatter_by_index, [x, order], [zeros()],
             lambda x, i: torch.zeros_like(x).scatter(1, i.long(), x)),
        Case(rows_of_a_table, [normal(TABLE_ROWS, COLS), between(0, TABLE_ROWS, 1, ROWS)],
             [zeros()], lambda t, w: t[w[0].long()]),
    )
