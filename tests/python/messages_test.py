"""The common mistakes of a kernel author: one line with file, line, operation and what to do."""

import textwrap
import unittest

import front_end

from pypto import Error
from pypto._errors import as_pypto_error, one_line

HEAD = '''
import torch
import pypto.language as pl

@pl.jit
def kernel(x: pl.Tensor[[64, 256], pl.FP32], n: pl.Tensor[[16, 256], pl.INT8],
           y: pl.Out[pl.Tensor[[64, 256], pl.FP32]]):
{body}

kernel(torch.zeros(64, 256), torch.zeros(16, 256, dtype=torch.int8), torch.zeros(64, 256))
'''
FIRST = 8  # line of the body's first statement
SCOPE = 'with pl.at(level=pl.Level.CORE_GROUP, name_hint="wrong"):\n'


def message(body: str) -> str:
    """The line a program with this body ends with."""
    text = HEAD.format(body=textwrap.indent(body, "    "))
    try:
        exec(compile(text, "program.py", "exec"), {"__name__": "program"})
    except Exception as raised:  # noqa: BLE001 - which one is the question
        reported = raised if isinstance(raised, Error) else as_pypto_error(raised)
        return one_line(reported) if reported is not None else f"not ours: {raised!r}"
    return "nothing was raised"


class Mistakes(unittest.TestCase):
    def in_scope(self, statement: str, *fragments: str) -> None:
        self.outside(SCOPE + textwrap.indent(statement, "    "), *fragments,
                     line=FIRST + 1 + statement.count("\n"))

    def outside(self, body: str, *fragments: str, line: int = FIRST) -> None:
        text = message(body)
        with self.subTest(body=body):
            self.assertEqual(len(text.splitlines()), 1)
            self.assertRegex(text, r"^a2a3sim: error: .* \[[a-z]+\.[a-z0-9-]+\]$")
            for fragment in (f"program.py:{line}", *fragments):
                self.assertIn(fragment, text)

    def test_unknown_names(self):
        self.in_scope("t = pl.row_summ(x[:, :])", "pl.row_summ", "pl.row_sum")
        self.in_scope("t = pl.tile.ful([8, 8])", "pl.tile.ful", "pl.tile.full")
        self.in_scope("t = pl.row_sum(x[:, :], axis=1)", "row_sum", "axis", "supported")
        self.outside("with pl.at(level=pl.Level.CORE_GROUP, dep=[]):\n    pass", "no option 'dep'")

    def test_operations_outside_of_scopes(self):
        for call in ("pl.add(x, y)", "pl.full([8, 8], dtype=pl.FP32, value=0.0)",
                     "pl.matmul(x, y)", "pl.tile.get_block_idx()", "pl.exp(x)"):
            self.outside(call, call[3:].split("(")[0].replace("tile.", ""),
                         "only possible inside at / spmd", "[lang.outside-scope]")

    def test_scopes_do_not_nest(self):
        text = message(SCOPE + "    " + SCOPE.replace("wrong", "inner") + "        pass")
        self.assertIn(f"program.py:{FIRST + 1}", text)
        self.assertIn("'inner' cannot open inside another scope", text)

    def test_casts(self):
        self.in_scope("t = pl.cast(n[:, :], pl.FP32)", "INT8 to FP32", "cast to FP16 first")
        self.in_scope("t = pl.cast(x[:, :], pl.INT8)", "FP32 to INT8", "INT32")
        self.in_scope("t = pl.cast(x[:, :], pl.INT32, mode='nearest')", "'nearest'", "rint")

    def test_shapes_and_types(self):
        self.in_scope("t = pl.add(x[0:8, :], x[0:16, :])", "add of [8x256]", "[16x256]",
                      "shapes must be equal")
        self.in_scope("t = pl.row_expand_mul(x[:, :], x[:, 0:2])", "must be a column [M,1]")
        self.in_scope("t = pl.col_expand_mul(x[:, :], x[:, 0:1])", "must be a row [1,N]")
        self.in_scope("t = pl.exp(n[:, :])", "exp of a tile [16x256] INT8", "takes FP32")
        self.in_scope("t = pl.add(x[0:16, :], pl.cast(n[:, :], pl.FP16))", "FP32", "FP16")
        self.in_scope("t = pl.reshape(x[:, :], [3, 3])", "[64, 256]", "[3, 3]")
        self.in_scope("t = pl.set_validshape(x[:, :], 65, 3)", "[65x3]", "[64x256]")
        self.in_scope("t = pl.arange(0, [2, 8])", "arange makes one row")
        self.in_scope("t = x[0, 0, 0]", "2 dimensions")

    def test_matmul(self):
        self.in_scope("t = pl.matmul(x[0:16, :], x[0:32, :])", "K is 256 and 32")
        self.in_scope("t = pl.matmul(pl.cast(x[0:16, :], pl.BF16), n[:, :], b_trans=True)",
                      "BF16", "INT8", "different data types")
        self.in_scope("t = pl.matmul(x[0:16, 0:32], x[0:32, :], out_dtype=pl.INT32)",
                      "accumulates in FP32")
        self.in_scope("t = pl.matmul(x[0:16, :], x[0:16, :], a_trans=True)", "a_trans")

    def test_windows(self):
        self.in_scope("y[0:8, :] = x[0:16, :]", "[16x256]", "[8x256]", "same size")
        self.in_scope("pl.store(x[0:16, :], [0, 0, 0], y)", "rank 2")
        self.in_scope("w = pl.slice(x, [8, 8], [0])", "rank")

    def test_memories_too_small(self):
        text = message(SCOPE + textwrap.indent(
            "a = pl.load(x, [0, 0], [64, 256])\n"
            "b = pl.full([128, 512], dtype=pl.FP32, value=1.0)\n"
            "y[:, :] = pl.add(a, b[0:64, 0:256])", "    "))
        for part in ("scope wrong: UB needs", "a2a3 has 188416 B", "use smaller tiles",
                     f"[128x512] FP32 (program.py:{FIRST + 2})", "[lower.ub-overflow]"):
            self.assertIn(part, text)
        text = message(
            "a = pl.create_tensor([256, 64], dtype=pl.BF16)\n"
            "b = pl.create_tensor([64, 256], dtype=pl.BF16)\n"
            "c = pl.create_tensor([256, 256], dtype=pl.FP32)\n" + SCOPE +
            "    acc = pl.create_tensor([256, 256], dtype=pl.FP32)\n"
            "    for i in pl.range(2):\n"
            "        acc = pl.matmul_acc(acc, a[:, :], b[:, :])\n"
            "    c[:, :] = acc")
        for part in ("scope wrong: L0C needs 262144 B, a2a3 has 131072 B", "use smaller tiles",
                     "[lower.l0c-overflow]"):
            self.assertIn(part, text)

    def test_lanes_and_loops(self):
        self.in_scope("t = pl.gather(x[:, :])", "index= or mask_pattern=")
        self.in_scope("t = pl.scatter(x[:, :], dim=-1)", "index= and src=")
        self.in_scope("t = pl.mrgsort(x[0:1, :])", "block_len=")
        self.in_scope("t = pl.fillpad(x[:, :], pad_value=3)", "zero, min and max")
        self.in_scope("t = pl.aiv_shard(x[:, :])", "belongs into a split_aiv loop")
        self.outside("for i in pl.range(0, 10, 0):\n    pass", "step is 0")
        self.in_scope("for i in pl.split_aiv(3, mode=pl.SplitMode.NONE): pass", "2 vector lanes")

    def test_values_that_are_no_numbers(self):
        self.in_scope("t = 1 if x[:, :] else 2", "neither true nor false", "pl.read")
        self.outside("t = 1 if x else 2", "neither true nor false", "pl.read")
        self.in_scope("t = x[:, :] + 1.0", "+", "Tile")
        self.outside("with pl.at(level=pl.Level.CORE_GROUP, deps=[1]):\n    pass", "not a task")
        self.outside("w = pl.create_tensor([8, 8], dtype=pl.TASK_ID)", "TASK_ID")
        self.outside("w = pl.create_tensor([4, -1], dtype=pl.FP32)", "-1")

    def test_a_barrier_needs_all_blocks_at_once(self):
        done = front_end.run_script(HEAD.format(body=textwrap.indent(
            "with pl.spmd(4, name_hint='wrong'):\n    pl.system.syncall()", "    ")))
        self.assertIn("sync_start", done.stderr)
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (1, 1), done.stderr)

    def test_ranks_that_wait_for_each_other(self):
        done = front_end.run_script("""
            import torch
            import pypto.language as pl
            import pypto.language.distributed as pld
            from pypto.ir.distributed_compiled_program import DistributedConfig
            from pypto.runtime import RunConfig

            @pl.jit
            def waits(y: pl.Out[pl.Tensor[[1, 8], pl.FP32]],
                      flags: pld.DistributedTensor[[2, 1], pl.INT32]):
                with pl.at(level=pl.Level.CORE_GROUP, name_hint="waits"):
                    pld.system.wait(flags, offsets=[0, 0], expected=1, cmp=pld.WaitCmp.Ge)
                return y

            @pl.jit.host
            def host(y: pl.Out[pl.Tensor[[2, 1, 8], pl.FP32]]):
                buffer = pld.alloc_window_buffer(8)
                for r in pl.range(pld.world_size()):
                    waits(y[r], pld.window(buffer, [2, 1], dtype=pl.INT32), device=r)

            host(torch.zeros(2, 1, 8), config=RunConfig(
                platform="a2a3sim", distributed_config=DistributedConfig(device_ids=[0, 1])))
        """)
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (1, 1), done.stderr)
        for part in ("scope waits", "program.py:12", "[lang.rank-deadlock]"):
            self.assertIn(part, done.stderr)


if __name__ == "__main__":
    front_end.in_temporary_folder(unittest.main)
