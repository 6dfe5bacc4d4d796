"""Functions: parts of the caller (inline), kernels of their own (incore), explicit launches.

pl.jit.inline is pasted into its caller. pl.jit.incore is one kernel: each call is a task.
pl.spmd_submit launches it with a number of blocks and gives (result, task id); pl.no_dep keeps
an argument out of the search for dependencies.
"""

import torch
from check import Case, main, normal

import pypto.language as pl

ROWS, COLS, BLOCKS = 64, 128, 4
PART = ROWS // BLOCKS
Matrix = pl.Tensor[[ROWS, COLS], pl.FP32]


@pl.jit.inline
def sigmoid(t):
    """Works on tiles: called from within a scope."""
    return pl.recip(pl.add(pl.exp(pl.neg(t)), 1.0))


@pl.jit.inline
def gate(x: Matrix, y: Matrix):
    """Works on tensors and opens a scope: called from the orchestration."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="gate"):
        y[:, :] = sigmoid(x[:, :])
    return y


@pl.jit.incore
def scale(x: Matrix, y: pl.Out[Matrix], factor: pl.Scalar[pl.FP32]):
    y[:, :] = pl.mul(x[:, :], factor)
    return y


@pl.jit.incore
def add_part(x: Matrix, w: Matrix, y: pl.Out[Matrix]):
    row = pl.tile.get_block_idx() * PART
    t = pl.add(x[row : row + PART, :], w[row : row + PART, :])
    y = pl.store(t, [row, 0], y)
    return y


@pl.jit
def calls(x: Matrix, y: pl.Out[Matrix]):
    middle = pl.create_tensor([ROWS, COLS], dtype=pl.FP32)
    middle = gate(x, middle)
    y = scale(middle, y, 3.0)
    return y


@pl.jit
def launches(x: Matrix, w: Matrix, y: pl.Out[Matrix]):
    middle = pl.create_tensor([ROWS, COLS], dtype=pl.FP32)
    middle, first = pl.spmd_submit(add_part, x, w, middle, core_num=BLOCKS)
    y, _ = pl.spmd_submit(add_part, pl.no_dep(middle), w, y, core_num=BLOCKS, deps=[first],
                          allow_early_resolve=True)
    return y


@pl.program
class Scaled:
    """The same as a class: methods are kernels, one of them is the orchestration."""

    @pl.function(type=pl.FunctionType.InCore)
    def double(self, x: Matrix, y: pl.Out[Matrix]) -> Matrix:
        y[:, :] = pl.mul(x[:, :], 2.0)
        return y

    @pl.function(type=pl.FunctionType.Orchestration)
    def run(self, x: Matrix, y: pl.Out[Matrix]) -> Matrix:
        middle = pl.create_tensor([ROWS, COLS], dtype=pl.FP32)
        middle = self.double(x, middle)
        y = self.double(middle, y)
        return y


def scaled(x, y, config):
    from pypto import ir

    ir.compile(Scaled, platform=config.platform)(x, y, config=config)


if __name__ == "__main__":
    x, w = normal(ROWS, COLS), normal(ROWS, COLS, seed=1)
    main(
        Case(calls, [x], [torch.zeros(ROWS, COLS)], lambda x: x.sigmoid() * 3),
        Case(launches, [x, w], [torch.zeros(ROWS, COLS)], lambda x, w: x + w + w),
        Case(scaled, [x], [torch.zeros(ROWS, COLS)], lambda x: x * 4),
    )
