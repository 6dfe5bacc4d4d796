"""Orchestration forms of older programs: tiles of earlier scopes, chunked loops, assembling."""

import unittest

import front_end
import torch

import pypto.language as pl

ROWS, COLS = 16, 64


@pl.jit
def windows_of_a_tile(x: pl.Tensor[[ROWS, COLS], pl.FP32],
                      y: pl.Out[pl.Tensor[[ROWS, 8], pl.FP32]]):
    with pl.at(level=pl.Level.CORE_GROUP):
        doubled = pl.mul(x[:, 0:16], 2.0)
    for r in pl.parallel(0, ROWS, 4):
        with pl.at(level=pl.Level.CORE_GROUP):
            # the window reaches 4 columns beyond the tile
            part = pl.load(doubled, [r, 12], [4, 8], valid_shapes=[4, 4],
                           target_memory=pl.MemorySpace.Vec)
            part = pl.fillpad(part, pad_value=pl.PadValue.zero)
            y = pl.store(part, [r, 0], y)
    return y


@pl.jit
def loads_of_an_own_tile(x: pl.Tensor[[ROWS, COLS], pl.FP32],
                         y: pl.Out[pl.Tensor[[ROWS, 8], pl.FP32]]):
    with pl.at(level=pl.Level.CORE_GROUP):
        buffer = pl.create_tensor([ROWS, 16], dtype=pl.FP32)
        buffer = pl.assemble(buffer, x[:, 0:16], [0, 0])
        y[:, :] = pl.load(buffer, [0, 8], [ROWS, 8])
    return y


@pl.jit
def assembles(x: pl.Tensor[[ROWS, COLS], pl.FP32],
              y: pl.Out[pl.Tensor[[ROWS, COLS], pl.FP32]]):
    for r in pl.range(0, ROWS, 8):
        part = pl.create_tensor([8, COLS], dtype=pl.FP32)
        with pl.at(level=pl.Level.CORE_GROUP):
            part[:, :] = pl.add(x[r : r + 8, :], 1.0)
        y = pl.assemble(y, part, [r, 0])
    return y


@pl.jit.inline
def negated(x, y):
    with pl.at(level=pl.Level.CORE_GROUP):
        y[:, :] = pl.neg(x[:, :])
    return y


negated_again = pl.inline(negated._func)


@pl.program
class Negation:
    @pl.function(type=pl.FunctionType.Orchestration)
    def main(self, x: pl.Tensor[[ROWS, COLS], pl.FP32],
             y: pl.Out[pl.Tensor[[ROWS, COLS], pl.FP32]]):
        y = negated_again(x, y)
        return y


class Orchestration(unittest.TestCase):
    def setUp(self):
        self.x = torch.arange(ROWS * COLS, dtype=torch.float32).reshape(ROWS, COLS)
        self.y = torch.zeros(ROWS, COLS)

    def test_a_tile_of_an_earlier_scope_is_loaded_window_by_window(self):
        y = torch.ones(ROWS, 8)
        windows_of_a_tile(self.x, y)
        self.assertTrue(torch.equal(y[:, :4], self.x[:, 12:16] * 2))
        self.assertEqual(y[:, 4:].abs().sum(), 0)

    def test_a_load_of_a_tile_of_the_same_scope_is_a_part_of_it(self):
        y = torch.zeros(ROWS, 8)
        loads_of_an_own_tile(self.x, y)
        self.assertTrue(torch.equal(y, self.x[:, 8:16]))

    def test_a_tensor_is_assembled_outside_scopes(self):
        assembles(self.x, self.y)
        self.assertTrue(torch.equal(self.y, self.x + 1))

    def test_inline_functions_of_class_programs(self):
        from pypto import ir

        ir.compile(Negation)(self.x, self.y)
        self.assertTrue(torch.equal(self.y, -self.x))


if __name__ == "__main__":
    front_end.in_temporary_folder(unittest.main)
