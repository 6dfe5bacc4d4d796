"""Entries, in-core functions, class programs and annotations, run on the modelled chip."""

import unittest

import front_end  # noqa: F401 - skips without torch
import torch

import pypto.language as pl
from pypto import Error

ROWS, COLS = 16, 64
T = pl.dynamic("T")


@pl.jit
def double(x: pl.Tensor[[ROWS, COLS], pl.FP32], y: pl.Out[pl.Tensor[[ROWS, COLS], pl.FP32]]):
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="double"):
        y[:, :] = pl.add(x[:, :], x[:, :])
    return y


ROWS_OF_PLUS_ONE = pl.dynamic("ROWS_OF_PLUS_ONE")


@pl.jit.inline
def plus_one(x, y):
    x.bind_dynamic(0, ROWS_OF_PLUS_ONE)
    with pl.at(level=pl.Level.CORE_GROUP):
        y[:, :] = pl.add(x[0:ROWS_OF_PLUS_ONE, :], 1.0)
    return y


@pl.jit.incore
def times(x, y, factor: pl.Scalar[pl.FP32]):
    y[:, :] = pl.mul(x[:, :], factor)
    return y


@pl.jit.incore
def copy_rows(x, y):
    row = pl.tile.get_block_idx() * 4
    pl.store(pl.load(x, [row, 0], [4, COLS]), [row, 0], y)
    return y


@pl.jit(auto_scope=False)
def chain(x: pl.Tensor[[T, COLS], pl.FP32], y: pl.InOut[pl.Tensor[[T, COLS], pl.FP32]],
          factor: pl.Scalar[pl.FP32]):
    x.bind_dynamic(0, T)
    middle = pl.create_tensor([T, COLS], dtype=pl.FP32)
    middle = plus_one(x, middle)
    with pl.at(level=pl.Level.CORE_GROUP):
        y[:, :] = pl.add(middle[:, :], y[:, :])
    y = times(y, y, factor)
    return y


@pl.jit
def blocks(x: pl.Tensor[[ROWS, COLS], pl.FP32], y: pl.Out[pl.Tensor[[ROWS, COLS], pl.FP32]],
           z: pl.Out[pl.Tensor[[ROWS, COLS], pl.FP32]]):
    with pl.spmd(ROWS // 4, name_hint="rows") as tid:
        row = pl.tile.get_block_idx() * 4
        y[row : row + 4, :] = pl.add(x[row : row + 4, :], 1.0)
    with pl.at(level=pl.Level.CORE_GROUP, deps=[tid]) as second:
        z[:, :] = y[:, :]
    pl.system.task_dummy(deps=[tid, second])
    return z


@pl.jit
def submits(x: pl.Tensor[[ROWS, COLS], pl.FP32], y: pl.Out[pl.Tensor[[ROWS, COLS], pl.FP32]],
            z: pl.Out[pl.Tensor[[ROWS, COLS], pl.FP32]]):
    y, tid = pl.spmd_submit(copy_rows, x, y, core_num=4)
    z, _ = pl.submit(times, pl.no_dep(y), z, 3.0, deps=[tid])
    return z


@pl.jit
def barrier(x: pl.Tensor[[4, COLS], pl.FP32], y: pl.Out[pl.Tensor[[4, COLS], pl.FP32]]):
    partial = pl.create_tensor([4, COLS], dtype=pl.FP32)
    scale = 2.0
    with pl.spmd(4, name_hint="two_phases", sync_start=True) as tid:
        core = pl.tile.get_block_idx()
        partial[core : core + 1, :] = pl.mul(x[core : core + 1, :], scale)
        pl.system.syncall(core_type="aiv")
        other = 3 - core  # written by another block
        y[core : core + 1, :] = partial[other : other + 1, :]
    pl.system.task_dummy(deps=[tid])
    return y


def square_program(rows):
    @pl.program
    class Square:
        @pl.function(type=pl.FunctionType.InCore)
        def kernel(self, x: pl.Tensor[[rows, COLS], pl.FP32], y: pl.Tensor[[rows, COLS], pl.FP32]):
            y[:, :] = pl.mul(x[:, :], x[:, :])
            return y

        @pl.function(type=pl.FunctionType.Orchestration)
        def main(self, x: pl.Tensor[[rows, COLS], pl.FP32],
                 y: pl.Out[pl.Tensor[[rows, COLS], pl.FP32]]):
            y = self.kernel(x, y)
            return y

    return Square


@pl.jit
def loops(x: pl.Tensor[[ROWS, COLS], pl.FP32], y: pl.Out[pl.Tensor[[ROWS, COLS], pl.FP32]],
          seen: pl.Scalar[pl.INT32]):
    indices.clear()
    with pl.at(level=pl.Level.CORE_GROUP):
        for i in pl.range(3, 3):
            indices.append(i)
        for i in pl.range(1, seen, 2):
            for j in pl.parallel(2):
                indices.append((i, j))
        for i in pl.pipeline(4, stage=2):
            y[i : i + 1, :] = x[i : i + 1, :]
            if i == 1:
                break
        walk = iter(pl.range(1))
        indices.append((next(walk), next(walk, "end"), next(walk, "end")))
    return y


indices: list[object] = []


class Programs(unittest.TestCase):
    def setUp(self):
        self.x = torch.arange(ROWS * COLS, dtype=torch.float32).reshape(ROWS, COLS)
        self.y = torch.zeros(ROWS, COLS)
        self.z = torch.zeros(ROWS, COLS)

    def assertTensor(self, actual, expected):
        self.assertTrue(torch.equal(actual, expected), f"{actual} != {expected}")

    def test_an_entry_writes_its_outputs_in_place(self):
        self.assertIsNone(double(self.x, self.y))
        self.assertTensor(self.y, self.x * 2)

    def test_outputs_that_are_not_passed_are_made(self):
        compiled = double.compile(self.x, self.y)
        self.assertTensor(compiled(self.x), self.x * 2)

    def test_a_view_of_torch_is_written_through(self):
        wide = torch.zeros(ROWS, 2 * COLS)
        double(self.x, wide[:, COLS:])
        self.assertTensor(wide[:, COLS:], self.x * 2)
        self.assertTensor(wide[:, :COLS], self.z)

    def test_inline_incore_dynamic_dims_and_scalars(self):
        x = self.x[:8].clone()
        y = torch.ones(8, COLS)
        chain(x, y, 2.0)
        self.assertTensor(y, (x + 2) * 2)
        z = torch.ones(16, COLS)
        chain(self.x, z, torch.tensor(0.5))
        self.assertTensor(z, (self.x + 2) / 2)

    def test_arithmetic_of_dynamic_dims(self):
        rows, blocks = pl.dynamic("rows"), pl.dynamic("blocks")
        dims = pl.Tensor[[rows * 2 + 1, blocks // 4, 7 - rows, rows % 2], pl.FP32].shape
        self.assertEqual(str(dims[0]), "((rows * 2) + 1)")
        with self.assertRaisesRegex(Error, "rows has no extent here"):
            int(dims[0])
        rows.extent, blocks.extent = 3, 9
        self.assertEqual([int(d) for d in dims], [7, 2, 4, 1])
        self.assertEqual((rows + 1, 10 - blocks), (4, 1))  # plain numbers during a call

    def test_loops_end_as_python_loops_do(self):
        loops(self.x, self.y, 4)
        self.assertEqual(indices, [(1, 0), (1, 1), (3, 0), (3, 1), (0, "end", "end")])
        self.assertTensor(self.y[:2], self.x[:2])
        self.assertTensor(self.y[2:], self.z[2:])

    def test_with_spmd(self):
        blocks(self.x, self.y, self.z)
        self.assertTensor(self.z, self.x + 1)

    def test_submit_of_incore_functions(self):
        submits(self.x, self.y, self.z)
        self.assertTensor(self.z, self.x * 3)

    def test_a_barrier_runs_the_blocks_in_lockstep(self):
        x, y = self.x[:4].clone(), torch.zeros(4, COLS)
        barrier(x, y)
        self.assertTensor(y, x.flip(0) * 2)

    def test_class_programs(self):
        from pypto import ir

        compiled = ir.compile(square_program(8))
        x, y = self.x[:8].clone(), torch.zeros(8, COLS)
        compiled(x, y)
        self.assertTensor(y, x * x)

    def test_wrong_calls(self):
        for arguments, text in (((), "missing"), ((self.x, self.y, 1), "too many"),
                                ((self.x, self.y.double()), "torch.float64")):
            with self.assertRaisesRegex(Error, text):
                double(*arguments)

    def test_a_failed_program_leaves_the_next_one_alone(self):
        @pl.jit
        def bad(x: pl.Tensor[[ROWS, COLS], pl.FP32]):
            with pl.at(level=pl.Level.CORE_GROUP):
                raise ValueError("mine")

        with self.assertRaisesRegex(ValueError, "mine"):
            bad(self.x)
        double(self.x, self.y)
        self.assertTensor(self.y, self.x * 2)


if __name__ == "__main__":
    front_end.in_temporary_folder(unittest.main)
