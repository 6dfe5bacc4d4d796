"""Element-wise operations on tiles: two tiles, a tile and a number, one tile.

A kernel is an entry (`@pl.jit`) whose body is the orchestration program. Arithmetic belongs into a
scope: `pl.at` is one task on one core. There `x[:, :]` loads a tile and `y[:, :] = tile` stores it.
"""

import torch
from check import Case, main, normal

import pypto.language as pl

ROWS, COLS = 32, 128
Matrix = pl.Tensor[[ROWS, COLS], pl.FP32]


@pl.jit
def two_tiles(x: Matrix, w: Matrix, total: pl.Out[Matrix], difference: pl.Out[Matrix],
              product: pl.Out[Matrix], quotient: pl.Out[Matrix], larger: pl.Out[Matrix],
              smaller: pl.Out[Matrix]):
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="two_tiles"):
        a = x[:, :]
        b = w[:, :]
        total[:, :] = pl.add(a, b)
        difference[:, :] = pl.sub(a, b)
        product[:, :] = pl.mul(a, b)
        quotient[:, :] = pl.div(a, b)
        larger[:, :] = pl.maximum(a, b)
        smaller[:, :] = pl.minimum(a, b)
    return total, difference, product, quotient, larger, smaller


@pl.jit
def tile_and_number(x: Matrix, y: pl.Out[Matrix]):
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="tile_and_number"):
        t = pl.add(pl.mul(x[:, :], 0.5), 1.0)
        t = pl.div(pl.sub(t, 0.25), 2.0)
        y[:, :] = pl.minimum(pl.maximum(t, -0.5), 0.5)  # clamp
    return y


@pl.jit
def one_tile(x: Matrix, e: pl.Out[Matrix], logarithm: pl.Out[Matrix], root: pl.Out[Matrix],
             inverse: pl.Out[Matrix], negative: pl.Out[Matrix]):
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="one_tile"):
        t = x[:, :]
        positive = pl.add(pl.abs(t), 1.0)
        e[:, :] = pl.exp(t)
        logarithm[:, :] = pl.log(positive)
        root[:, :] = pl.sqrt(positive)
        inverse[:, :] = pl.recip(positive)
        negative[:, :] = pl.neg(t)
    return e, logarithm, root, inverse, negative


@pl.jit
def inverse_roots(x: Matrix, exact: pl.Out[Matrix], fast: pl.Out[Matrix]):
    """Without high_precision the core's short instruction is used; it is less accurate."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="inverse_roots"):
        positive = pl.add(pl.abs(x[:, :]), 1.0)
        exact[:, :] = pl.rsqrt(positive, high_precision=True)
        fast[:, :] = pl.rsqrt(positive)
    return exact, fast


@pl.jit
def silu(x: Matrix, y: pl.Out[Matrix]):
    """x / (1 + exp(-x)): a whole tensor as an operand is loaded, too."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="silu"):
        y[:, :] = pl.mul(x, pl.recip(pl.add(pl.exp(pl.neg(x)), 1.0)))
    return y


def golden_two(x, w):
    return x + w, x - w, x * w, x / w, torch.maximum(x, w), torch.minimum(x, w)


def golden_one(x):
    positive = x.abs() + 1
    return x.exp(), positive.log(), positive.sqrt(), 1 / positive, -x


def zeros(count):
    return [torch.zeros(ROWS, COLS) for _ in range(count)]


if __name__ == "__main__":
    x, w = normal(ROWS, COLS), normal(ROWS, COLS, seed=1)
    main(
        Case(two_tiles, [x, w], zeros(6), golden_two),
        Case(tile_and_number, [x], zeros(1),
             lambda x: torch.clamp((x * 0.5 + 1 - 0.25) / 2, -0.5, 0.5)),
        Case(one_tile, [x], zeros(5), golden_one),
        Case(inverse_roots, [x], zeros(2), lambda x: ((x.abs() + 1).rsqrt(),) * 2, rtol=1e-3),
        Case(silu, [x], zeros(1), torch.nn.functional.silu),
    )
