"""Chunked loops, as programs of May 2026 have them (later ones write the tasks themselves).

In a scope with the chunked loop optimizer a parallel loop with chunk=C becomes a task for every C
iterations; what stands between such loops is a task of its own.
"""

import torch
from check import Case, main, normal

import pypto.language as pl

ROWS, COLS = 32, 128
Matrix = pl.Tensor[[ROWS, COLS], pl.FP32]


@pl.jit
def four_tasks(x: Matrix, y: pl.Out[Matrix]):
    with pl.at(level=pl.Level.CORE_GROUP, optimization=pl.chunked_loop_optimizer,
               name_hint="four_tasks"):
        for row in pl.parallel(0, ROWS, 2, chunk=4):  # 16 iterations
            y[row : row + 2, :] = pl.exp(x[row : row + 2, :])
    return y


@pl.jit
def later_spelling(x: Matrix, y: pl.Out[Matrix]):
    with pl.at(level=pl.Level.CORE_GROUP, optimizations=[pl.auto_chunk], name_hint="later"):
        for row in pl.parallel(ROWS, chunk=16):
            y[row : row + 1, :] = pl.exp(x[row : row + 1, :])
    return y


if __name__ == "__main__":
    x = normal(ROWS, COLS)
    main(*(Case(kernel, [x], [torch.zeros(ROWS, COLS)], torch.exp)
           for kernel in (four_tasks, later_spelling)))
