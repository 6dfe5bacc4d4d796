"""Every symbol that a DeepSeek-V4 program uses stands in at least one example.

The list is the census of kernel-language.md §1.1: names used in models/deepseek/v4 at 2fe6b76,
619fba2, cdb64e0 and 777675c and in the three DeepSeek-V4 model folders at 634e77bd.
"""

import ast
import unittest
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "python"
HELPERS = {"check.py"}
MAX_LINES = 200

CENSUS = """
pl.Tensor pl.Out pl.InOut pl.Scalar pl.Array pl.dynamic
pl.FP32 pl.BF16 pl.FP16 pl.INT8 pl.INT32 pl.INT64 pl.UINT32 pl.BOOL pl.INDEX pl.TASK_ID

pl.jit pl.jit.inline pl.jit.incore pl.jit.host
pl.at pl.Level.CORE_GROUP pl.spmd pl.tile.get_block_idx pl.spmd_submit pl.no_dep
pl.scope pl.manual_scope pl.system.task_dummy pl.system.syncall
pl.range pl.parallel pl.pipeline pl.unroll
pl.split_aiv pl.aiv_shard pl.split pl.SplitMode.NONE pl.SplitMode.UP_DOWN pl.cross_core_slot
pl.chunked_loop_optimizer pl.auto_chunk

pl.create_tensor pl.create_tile pl.tile.create pl.create_l1
pl.MemorySpace.Vec pl.MemorySpace.Mat
pl.slice pl.load pl.tile.load pl.gather_row pl.reshape pl.transpose pl.tile.transpose_view
pl.store pl.tile.store pl.assemble pl.tile.assemble pl.AtomicType.Add
pl.set_validshape pl.tile.set_validshape pl.tensor.set_validshape
pl.fillpad pl.tile.fillpad pl.PadValue.min pl.PadValue.zero
pl.full pl.tile.full pl.arange pl.tile.arange pl.tensor.arange

pl.cast pl.add pl.sub pl.mul pl.div pl.maximum pl.minimum
pl.exp pl.log pl.sqrt pl.rsqrt pl.recip pl.abs pl.neg pl.cmp
pl.row_sum pl.row_max pl.row_min pl.row_argmax pl.col_sum pl.col_max
pl.row_expand pl.row_expand_add pl.row_expand_sub pl.row_expand_mul pl.row_expand_div
pl.col_expand pl.col_expand_add pl.col_expand_mul pl.col_expand_expdif
pl.concat pl.gather pl.tile.gather pl.tensor.gather pl.tensor.scatter
pl.tile.MaskPattern.P0101 pl.tile.MaskPattern.P1010
pl.sort32 pl.tensor.sort32 pl.mrgsort pl.tensor.mrgsort
pl.matmul pl.matmul_acc

pl.read pl.tensor.read pl.write pl.tile.write pl.tensor.dim pl.min pl.max pl.const
pl.array.create
pl.prefetch.make_context pl.prefetch.async_prefetch

pld.DistributedTensor pld.alloc_window_buffer pld.window pld.world_size
pld.system.notify pld.NotifyOp.AtomicAdd pld.NotifyOp.Set pld.system.wait pld.WaitCmp.Ge
pld.tensor.put pld.tensor.remote_store pld.tile.remote_store pld.tile.remote_load
""".split()


def symbols_of(file: Path) -> set[str]:
    """Dotted names that start with pl or pld, and their beginnings."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = []
        while isinstance(node, ast.Attribute):
            names.insert(0, node.attr)
            node = node.value
        if isinstance(node, ast.Name) and node.id in ("pl", "pld"):
            found |= {".".join([node.id, *names[:n]]) for n in range(1, len(names) + 1)}
    return found


class Census(unittest.TestCase):
    def test_every_symbol_has_an_example(self):
        used = set().union(*(symbols_of(f) for f in EXAMPLES.glob("*.py")))
        self.assertEqual([s for s in CENSUS if s not in used], [])

    def test_examples_are_short_and_explain_themselves(self):
        for file in EXAMPLES.glob("*.py"):
            text = file.read_text(encoding="utf-8")
            with self.subTest(file=file.name):
                self.assertLess(len(text.splitlines()), MAX_LINES)
                self.assertLessEqual(max(map(len, text.splitlines())), 100)
                self.assertTrue(ast.get_docstring(ast.parse(text)))

    def test_examples_are_programs(self):
        for file in EXAMPLES.glob("*.py"):
            if file.name not in HELPERS:
                text = file.read_text(encoding="utf-8")
                self.assertIn('if __name__ == "__main__":', text, file.name)


if __name__ == "__main__":
    unittest.main()
