"""Host programs: several ranks, their windows and flags, folders and errors."""

from __future__ import annotations

import json
import os
import tempfile
import unittest
from pathlib import Path

import front_end

SWAP = '''
import sys
import torch
import pypto.language as pl
import pypto.language.distributed as pld
from pypto.ir.distributed_compiled_program import DistributedConfig
from pypto.runtime import RunConfig

N, SIZE = 2, 64

@pl.jit
def swap(
    x: pl.Tensor[[1, SIZE], pl.FP32],
    y: pl.Out[pl.Tensor[[1, SIZE], pl.FP32]],
    data: pld.DistributedTensor[[1, SIZE], pl.FP32],
    flags: pld.DistributedTensor[[N, 1], pl.INT32],
    my_rank: pl.Scalar[pl.INT32],
):
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="swap"):
        EXCHANGE
        y[:, :] = data[:, :]
    return y

@pl.jit.host
def l3_swap(
    x: pl.Tensor[[N, 1, SIZE], pl.FP32],
    y: pl.Out[pl.Tensor[[N, 1, SIZE], pl.FP32]],
):
    data_buf = pld.alloc_window_buffer([1, SIZE], dtype=pl.FP32)
    flag_buf = pld.alloc_window_buffer(N * 4)
    for r in pl.range(pld.world_size()):
        data = pld.window(data_buf, [1, SIZE], dtype=pl.FP32)
        flags = pld.window(flag_buf, [N, 1], dtype=pl.INT32)
        swap(x[r], y[r], data, flags, r, device=r)

x = torch.arange(N * SIZE, dtype=torch.float32).reshape(N, 1, SIZE)
y = torch.zeros_like(x)
config = RunConfig(platform="a2a3sim", distributed_config=DistributedConfig(device_ids=[0, 1]),
                   enable_chip_swimlane="swimlane" in sys.argv)
'''
EXCHANGE = '''
        peer = 1 - my_rank
        FORM
        pld.system.notify(flags, peer=peer, offsets=[my_rank, 0], value=1,
                          op=pld.NotifyOp.AtomicAdd)
        pld.system.wait(signal=flags, offsets=[peer, 0], expected=1, cmp=pld.WaitCmp.Ge)
'''.strip()
CALL = "l3_swap(x, y, config=config)\nprint(torch.equal(y, x.flip(0)))\n"
PUT = ("pld.tensor.put(dst=data, peer=peer, src=x, dst_offsets=[0, 0], src_offsets=[0, 0], "
       "shape=[1, SIZE])")


def swap(exchange: str, call: str = CALL) -> str:
    return SWAP.replace("EXCHANGE", exchange.strip()) + call


def with_form(form: str) -> str:
    return swap(EXCHANGE.replace("FORM", form))


class Operations(unittest.TestCase):
    def expect_true(self, text: str, *arguments: str) -> None:
        done = front_end.run_script(text, *arguments)
        self.assertEqual(done.stdout.splitlines()[-1:], ["True"], done.stderr)

    def test_every_way_to_reach_a_peer(self) -> None:
        for form in (
            PUT,
            "pld.tensor.put(data, peer, x)",
            PUT[:-1] + ", chunk_rows=1, chunk_cols=16, pipeline=True)",
            "pld.tile.remote_store(pl.load(x, [0, 0], [1, SIZE]), target=data, peer=peer, "
            "offsets=[0, 0])",
            "pld.tensor.remote_store(x[:, :], data, peer, [0, 0], atomic=pld.AtomicType.Add)",
        ):
            with self.subTest(form=form):
                self.expect_true(with_form(form))

    def test_remote_load_and_rank_of_the_context(self) -> None:
        exchange = EXCHANGE.replace("FORM", "data[:, :] = x[:, :]") + '''
        ctx = pld.get_comm_ctx(data)
        other = (pld.rank(ctx) + 1) % pld.nranks(ctx)
        got = pld.tile.remote_load(data, peer=other, offsets=[0, 0], shape=[1, SIZE])
        y[:, :] = got'''
        text = swap(exchange).replace("        y[:, :] = data[:, :]\n", "")
        self.expect_true(text)

    def test_two_launches_per_rank_share_windows(self) -> None:
        text = with_form(PUT)
        again = '''
    for r in pl.range(pld.world_size()):
        swap_back(x[r], y[r], pld.window(data_buf, [1, SIZE], dtype=pl.FP32),
                  pld.window(flag_buf, [N, 1], dtype=pl.INT32), r, device=r)
'''
        second = '''
@pl.jit
def swap_back(
    x: pl.Tensor[[1, SIZE], pl.FP32],
    y: pl.InOut[pl.Tensor[[1, SIZE], pl.FP32]],
    data: pld.DistributedTensor[[1, SIZE], pl.FP32],
    flags: pld.DistributedTensor[[N, 1], pl.INT32],
    my_rank: pl.Scalar[pl.INT32],
):
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="sum"):
        pld.system.wait(signal=flags, offsets=[1 - my_rank, 0], expected=1, cmp=pld.WaitCmp.Ge)
        y[:, :] = pl.add(y[:, :], pl.add(data[:, :], x[:, :]))
    return y

@pl.jit.host'''
        text = text.replace("@pl.jit.host", second).replace(
            "        swap(x[r], y[r], data, flags, r, device=r)\n",
            "        swap(x[r], y[r], data, flags, r, device=r)\n" + again)
        text = text.replace("torch.equal(y, x.flip(0))", "torch.equal(y, 2 * x.flip(0) + x)")
        self.expect_true(text)

    def test_device_tensors_of_a_prepared_worker(self) -> None:
        call = '''
compiled = l3_swap.compile(x, y, config=config)
with compiled.prepare() as worker:
    held = worker.alloc_stacked_tensor(x)
    out = worker.alloc_stacked_tensor(torch.zeros_like(x))
    worker(held, out, config=config)
    worker.copy_stacked_from(out, y)
    worker.free_stacked_tensor(held)
print(torch.equal(y, x.flip(0)))
'''
        self.expect_true(swap(EXCHANGE.replace("FORM", PUT), call))


class Folders(unittest.TestCase):
    def test_one_folder_per_rank_and_a_log_line_each(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            log = folder / "log.jsonl"
            done = front_end.run_script(with_form(PUT), "swimlane", folder=folder,
                                        A2A3SIM_RUN_LOG=str(log))
            self.assertEqual(done.returncode, 0, done.stderr)
            [work] = (folder / "build_output").iterdir()
            for rank in (0, 1):
                dfx = work / "dfx_outputs" / f"rank{rank}" / "d0"
                self.assertTrue((dfx / "chip_swimlane_records.json").is_file())
                own = json.loads(
                    (work / "next_levels" / f"rank{rank}" / "summary.json").read_text())
                self.assertEqual([s["name"] for s in own["scopes"]], ["swap"])
                self.assertEqual(own["scopes"][0]["instructions"]["TWAIT"], 1)
            self.assertTrue((work / "summary.json").is_file())
            lines = [json.loads(line) for line in log.read_text().splitlines()]
            self.assertEqual([(e["rank"], e["ranks"], e["program"]) for e in lines],
                             [(0, 2, "swap"), (1, 2, "swap")])

    def test_runs_are_the_same(self) -> None:
        texts = []
        for _ in range(2):
            with tempfile.TemporaryDirectory() as name:
                front_end.run_script(with_form(PUT), folder=Path(name))
                [work] = (Path(name) / "build_output").iterdir()
                texts.append([(work / "next_levels" / r / "summary.json").read_text()
                              for r in ("rank0", "rank1")])
        self.assertEqual(texts[0], texts[1])


class Errors(unittest.TestCase):
    def error_of(self, text: str) -> str:
        done = front_end.run_script(text)
        self.assertEqual(done.returncode, 1, done.stdout)
        [line] = done.stderr.splitlines()
        return line

    def test_ranks_that_wait_for_each_other(self) -> None:
        exchange = ('pld.system.wait(signal=flags, offsets=[1 - my_rank, 0], expected=3, '
                    'cmp=pld.WaitCmp.Ge)')
        line = self.error_of(swap(exchange))
        self.assertRegex(line, r"^a2a3sim: error: the ranks wait for each other: "
                               r"rank 0 in scope swap, program.py:\d+ for flag flags\[1, 0\] = 0 "
                               r"to be at least 3; rank 1 in scope swap, program.py:\d+ for flag "
                               r"flags\[0, 0\] = 0 to be at least 3 \[lang.rank-deadlock\]$")

    def test_a_failing_rank_ends_the_others(self) -> None:
        exchange = '''
        if my_rank == 1:
            pl.add(x[:, :], pl.full([2, 2], dtype=pl.FP32, value=0.0))
        pld.system.wait(signal=flags, offsets=[0, 0], expected=1, cmp=pld.WaitCmp.Ge)'''
        line = self.error_of(swap(exchange))
        self.assertRegex(line, r"^a2a3sim: error: scope swap, program.py:\d+: .*\[lang.shape\]$")

    def test_peers_and_devices_that_do_not_exist(self) -> None:
        line = self.error_of(with_form(PUT.replace("peer=peer", "peer=2")))
        self.assertIn("put with rank 2, the world has ranks 0..1 [lang.peer]", line)
        line = self.error_of(with_form(PUT).replace("device=r)", "device=r + 1)"))
        self.assertIn("swap is launched on device 2, the host program has devices 0..1", line)

    def test_host_names_outside_a_host_program(self) -> None:
        line = self.error_of("import pypto.language.distributed as pld\npld.world_size()\n")
        self.assertEqual(line, "a2a3sim: error: program.py:2: pld.world_size belongs into a "
                               "@pl.jit.host program [python.host]")
        line = self.error_of("import pypto.language.distributed as pld\npld.tensor.allreduce\n")
        self.assertIn("pld.tensor.allreduce does not exist", line)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    unittest.main()
