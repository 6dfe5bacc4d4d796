"""What upstream's golden harness asks of a JIT function, a work folder and the runtime."""

import ctypes
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import front_end
import torch

import pypto.language as pl
from pypto import Error
from pypto.ir.compiled_program import CompiledProgram
from pypto.ir.distributed_compiled_program import DistributedConfig
from pypto.jit.cache import make_cache_key
from pypto.runtime import RunConfig, bench, benchmark, execute_compiled
from pypto.runtime.bench import stats_of
from pypto.runtime.log_config import configure_log, current_level
from pypto.runtime.runner import _DfxOpts


def make():
    @pl.jit
    def scale(x: pl.Tensor[[16, 64], pl.FP32], factor: pl.Scalar[pl.BF16],
              y: pl.Out[pl.Tensor[[16, 64], pl.FP32]], z: pl.InOut[pl.Tensor[[16, 64], pl.FP32]]):
        for i in pl.parallel(4):
            with pl.at(level=pl.Level.CORE_GROUP, name_hint="scale"):
                y[i * 4 : i * 4 + 4, :] = pl.mul(x[i * 4 : i * 4 + 4, :], factor)
        with pl.at(level=pl.Level.CORE_GROUP, name_hint="count"):
            z[:, :] = pl.add(z[:, :], 1.0)
        return y

    return scale


PROGRAM = '''
import sys
import torch
import pypto.language as pl
from pypto.runtime import execute_compiled

@pl.jit
def double(x: pl.Tensor[[16, 64], pl.FP32], y: pl.Out[pl.Tensor[[16, 64], pl.FP32]]):
    with pl.at(level=pl.Level.CORE_GROUP):
        y[:, :] = pl.add(x[:, :], x[:, :])

y = torch.zeros(16, 64)
if len(sys.argv) == 1:
    print("FOLDER", double.compile(y, y).output_dir)
else:
    execute_compiled(sys.argv[1], [torch.ones(16, 64), y], platform="a2a3sim", device_id=0)
    print("SUM", y.sum().item())
'''


class Harness(unittest.TestCase):
    def setUp(self):
        self.scale = make()
        self.x = torch.ones(16, 64)
        self.y = torch.zeros(16, 64)
        self.z = torch.zeros(16, 64)
        self.arguments = [self.x, 3.0, self.y, self.z]

    def files(self, compiled):
        folder = Path(compiled.output_dir)
        return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}

    def test_compile_executes_nothing_and_makes_the_folder(self):
        compiled = self.scale.compile(*self.arguments, config=RunConfig(platform="a2a3sim"))
        self.assertEqual(self.y.sum(), 0)
        self.assertRegex(str(compiled.output_dir), r"^build_output/scale_\d{8}_\d{6}(_\d+)?$")
        self.assertEqual(self.files(compiled), {"compiled_meta.json"})

    def test_equal_arguments_share_one_compilation(self):
        first = self.scale.compile(*self.arguments)
        self.assertIs(self.scale.compile(*self.arguments, config=RunConfig()), first)
        a5 = self.scale.compile(*self.arguments, config=RunConfig(platform="a5sim"))
        self.assertIsNot(a5, first)
        self.assertNotEqual(a5.output_dir, first.output_dir)

    def test_compile_from_the_signature(self):
        compiled = self.scale.compile(factor=2.0)
        info = compiled._get_metadata()[0]
        self.assertEqual([p.name for p in info], ["x", "factor", "y", "z"])
        self.assertEqual([p.direction.value for p in info], ["in", "in", "out", "inout"])
        self.assertEqual([p.shape for p in info], [[16, 64], None, [16, 64], [16, 64]])

    def test_execute_compiled_finds_the_program_of_the_folder(self):
        compiled = self.scale.compile(*self.arguments)
        bits = ctypes.c_uint16(0x4040)  # 3.0 in bf16, as golden's ScalarSpec.to_ctypes
        execute_compiled(compiled.output_dir, [self.x, bits, self.y, self.z],
                         platform="a2a3sim", device_id=0)
        self.assertTrue(torch.equal(self.y, self.x * 3))
        self.assertTrue(torch.equal(self.z, torch.ones(16, 64)))
        self.assertIn("summary.json", self.files(compiled))
        self.assertFalse(any("dfx" in f for f in self.files(compiled)))

    def test_a_direct_call(self):
        self.scale(*self.arguments, config=RunConfig(platform="a2a3"))
        self.assertTrue(torch.equal(self.y, self.x * 3))
        compiled = next(reversed(self.scale._cache.values()))
        self.assertIn("summary.json", self.files(compiled))

    def test_the_private_way_of_may_2026(self):
        names, bound, metas, scalars, dtypes, dynamic = self.scale._bind_args(
            tuple(self.arguments), {})
        self.assertEqual(names, ["x", "factor", "y", "z"])
        self.assertEqual(bound["factor"], 3.0)
        self.assertEqual(metas["x"].shape, (16, 64))
        key = make_cache_key(
            source_hash=self.scale._get_source_hash(), param_names=names,
            tensor_shapes={n: m.shape for n, m in metas.items()},
            tensor_dtypes={n: m.dtype for n, m in metas.items()}, dynamic_dims=dynamic,
            scalar_values=scalars, platform="a2a3sim")
        self.assertNotIn(key, self.scale._cache)
        compiled = self.scale._compile(metas, scalars, dtypes, dynamic, pl, platform="a2a3sim")
        self.scale._cache[key] = compiled
        self.scale(*self.arguments, config=RunConfig(platform="a2a3sim"))
        self.assertEqual(list(self.scale._cache.values()), [compiled])
        self.assertIn("summary.json", self.files(compiled))

    def test_diagnostics_write_what_they_are_for(self):
        expected = {
            "enable_l2_swimlane": "chip_swimlane_records.json",
            "enable_chip_swimlane": "merged_swimlane_scale.json",
            "enable_pmu": "pmu.csv",
            "enable_dep_gen": "deps.json",
        }
        for flag, file in expected.items():
            compiled = make().compile(*self.arguments)
            execute_compiled(compiled.output_dir, self.arguments, platform="a2a3sim", device_id=0,
                             dfx=_DfxOpts(**{flag: True}))
            self.assertIn(f"dfx_outputs/{file}", self.files(compiled), flag)
        compiled = make().compile(*self.arguments)
        execute_compiled(compiled.output_dir, self.arguments, platform="a2a3sim", device_id=0,
                         runtime_profiling=True)
        self.assertIn("dfx_outputs/chip_swimlane_records.json", self.files(compiled))

    def test_swimlane_level(self):
        compiled = self.scale.compile(*self.arguments)
        execute_compiled(compiled.output_dir, self.arguments, platform="a2a3sim", device_id=0,
                         dfx=_DfxOpts(enable_chip_swimlane=1))
        path = Path(compiled.output_dir) / "dfx_outputs" / "chip_swimlane_records.json"
        self.assertEqual(json.loads(path.read_text())["chip_swimlane_level"], 1)

    def test_diagnostics_there_are_not(self):
        for options, text in (({"enable_dump_args": 1}, "dump-args"),
                              ({"enable_dump_tensor": 2}, "dump-args"),
                              ({"enable_scope_stats": True}, "scope-stats"),
                              ({"enable_pmu": 4}, "pmu-group"),
                              ({"enable_chip_swimlane": 9}, "swimlane-level")):
            with self.assertRaisesRegex(Error, text):
                _DfxOpts(**options)

    def test_options_nobody_knows(self):
        with self.assertRaises(TypeError):
            execute_compiled("x", [], platform="a2a3sim", device_id=0, nosuch=1)
        with self.assertRaises(TypeError):
            RunConfig(nosuch=1)
        with self.assertRaisesRegex(Error, "a2a3sim, a5, a5sim"):
            self.scale.compile(*self.arguments, config=dataclasses.replace(
                RunConfig(), platform="ascend"))

    def test_a_folder_that_is_none(self):
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(Error, "compiled_meta.json cannot be read"):
                CompiledProgram.at(Path(folder))

    def test_a_folder_of_a_program_that_is_not_loaded(self):
        compiled = self.scale.compile(*self.arguments)
        meta = Path(compiled.output_dir) / "compiled_meta.json"
        meta.write_text(meta.read_text().replace("make.<locals>.scale", "other"))
        with tempfile.TemporaryDirectory() as folder:
            os.rename(compiled.output_dir, f"{folder}/moved")
            with self.assertRaisesRegex(Error, "belongs to other .* run that file"):
                CompiledProgram.at(Path(folder) / "moved")

    def test_a_folder_of_an_earlier_process_also_from_a_moved_checkout(self):
        with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
            done = front_end.run_script(PROGRAM, folder=Path(first))
            self.assertEqual(done.returncode, 0, done.stderr)
            work = Path(first) / done.stdout.split("FOLDER ")[1].strip()
            for folder in (first, second):
                done = front_end.run_script(PROGRAM, str(work), folder=Path(folder))
                self.assertIn("SUM 2048.0", done.stdout, done.stderr)

    def test_the_build_folder_can_be_chosen(self):
        with tempfile.TemporaryDirectory() as folder:
            os.environ["PYPTO_PROG_BUILD_DIR"] = folder
            try:
                compiled = self.scale.compile(*self.arguments)
            finally:
                del os.environ["PYPTO_PROG_BUILD_DIR"]
            self.assertEqual(Path(compiled.output_dir).parent, Path(folder))

    def test_benchmark_predicts_once(self):
        compiled = self.scale.compile(*self.arguments)
        compiled(*self.arguments)
        stats = benchmark(compiled, self.arguments, rounds=5, warmup=2, platform="a2a3sim")
        self.assertTrue(torch.equal(self.z, torch.ones(16, 64)))  # not run again
        effective = stats.per_round("effective")
        self.assertEqual(len(effective), 5)
        self.assertEqual(len(set(effective)), 1)
        self.assertGreater(effective[0], 1.0)
        self.assertFalse(stats.all_zero_device)
        self.assertEqual(stats.per_rank("effective"), {})
        self.assertEqual([i.inv for i in stats.invocations], [2, 3, 4, 5, 6])

    def test_benchmark_runs_a_program_that_has_not_run(self):
        stats = benchmark(self.scale.compile(*self.arguments), self.arguments, rounds=1)
        self.assertEqual(len(stats.samples), 1)
        self.assertTrue(torch.equal(self.y, self.x * 3))

    def test_benchmark_of_ranks(self):
        results = [{"rank": r, "program": p, "wall_us": w} for r, p, w in (
            (0, "a", 10.0), (1, "a", 12.0), (0, "b", 5.0), (1, "b", 2.0))]
        stats = stats_of([*results, {"rank": 2, "wall_us": 99.0, "idle": True}], 2, 1,
                         distributed=True)
        self.assertEqual(stats.per_round("effective"), [15.0, 15.0])
        self.assertEqual(stats.per_rank("effective"), {0: [15.0, 15.0], 1: [14.0, 14.0]})
        self.assertEqual(stats.per_dispatch("effective")[1, 1], [2.0, 2.0])
        self.assertEqual(stats.dispatch_tasks(),
                         {(0, 0): "a", (0, 1): "b", (1, 0): "a", (1, 1): "b"})
        self.assertEqual(len(stats.invocations), 8)

    def test_a_captured_benchmark_of_a_prepared_worker_runs_once(self):
        @pl.jit.host
        def both(x: pl.Tensor[[2, 16, 64], pl.FP32], y: pl.Out[pl.Tensor[[2, 16, 64], pl.FP32]],
                 z: pl.InOut[pl.Tensor[[2, 16, 64], pl.FP32]]):
            for r in pl.range(2):
                child(x[r], 2.0, y[r], z[r], device=r)

        child = self.scale
        x, y, z = torch.ones(2, 16, 64), torch.zeros(2, 16, 64), torch.zeros(2, 16, 64)
        config = RunConfig(distributed_config=DistributedConfig(device_ids=[0, 1]))
        compiled = both.compile(x, y, z, config=config)
        with tempfile.TemporaryDirectory() as folder:
            with bench._capture_fd_stderr(Path(folder, "log")):
                with compiled.prepare(config, persistent=True) as worker:
                    for _ in range(5):
                        worker(x, y, z, config=config)
            text = Path(folder, "log").read_text()
        stats = bench._parse_stats_from_strace(text, rounds=3, warmup=2, distributed=True)
        self.assertTrue(torch.equal(z, torch.ones(2, 16, 64)))
        self.assertEqual(len(stats.per_round("effective")), 3)
        self.assertEqual(sorted(stats.per_rank("effective")), [0, 1])
        compiled(x, y, z, config=config)  # outside a capture every call runs
        self.assertTrue(torch.equal(z, 2 * torch.ones(2, 16, 64)))

    def test_run_log(self):
        with tempfile.TemporaryDirectory() as folder:
            os.environ["A2A3SIM_RUN_LOG"] = f"{folder}/log.jsonl"
            try:
                self.scale(*self.arguments)
                self.scale(*self.arguments)
            finally:
                del os.environ["A2A3SIM_RUN_LOG"]
            lines = Path(folder, "log.jsonl").read_text().splitlines()
        self.assertEqual(len(lines), 2)
        entry = json.loads(lines[0])
        self.assertEqual(
            (entry["program"], entry["platform"], entry["chip"], entry["tasks"], entry["rank"],
             entry["ranks"], entry["passed"]), ("scale", "a2a3sim", "a2a3", 5, 0, 1, None))
        for key in ("operations", "gmac", "execute_s", "execute_cpu_s", "replay_s", "replay_cpu_s",
                    "wall_us", "blocks"):
            self.assertIsNotNone(entry[key], key)
        self.assertTrue(entry["file"].endswith("harness_test.py"))

    def test_log_level(self):
        configure_log("v9")
        self.assertEqual(current_level(), "v9")
        with self.assertRaisesRegex(Error, "loud"):
            configure_log("loud")

    def test_the_checkout_around_a_script_is_importable(self):
        with tempfile.TemporaryDirectory() as folder:
            package = Path(folder, "golden")
            package.mkdir()
            (package / "__init__.py").write_text("NAME = 'of the checkout'\n")
            script = Path(folder, "models", "deep")
            script.mkdir(parents=True)
            done = front_end.run_script("import pypto, golden; print(golden.NAME)", folder=script)
            self.assertIn("of the checkout", done.stdout, done.stderr)


class RunFile(unittest.TestCase):
    """`a2a3sim run FILE.py`."""

    SCRIPT = '''
import argparse
import os
import torch
import pypto.language as pl
from pypto.runtime import RunConfig

@pl.jit
def kernel(x: pl.Tensor[[16, 64], pl.FP32], y: pl.Out[pl.Tensor[[16, 64], pl.FP32]]):
    with pl.at(level=pl.Level.CORE_GROUP):
        y[:, :] = pl.add(x[:, :], 1.0)

parser = argparse.ArgumentParser()
parser.add_argument("-p", "--platform", default="a2a3", choices=["a2a3", "a2a3sim", "a5", "a5sim"])
parser.add_argument("--mode", default="none")
args = parser.parse_args()
x = torch.zeros(16, 64)
kernel(x, x.clone(), config=RunConfig(platform=args.platform))
print("GOT", args.platform, args.mode, os.environ.get("A2A3SIM_CHIP"))
raise SystemExit(3)
'''

    def run_file(self, binary, *words, script=SCRIPT):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "kernel.py").write_text(script)
            return subprocess.run(
                [os.environ[binary], "run", "kernel.py", *words], cwd=folder, text=True,
                capture_output=True, timeout=120,
                env={**os.environ, "A2A3SIM_PYTHON": sys.executable, "PYTHONPATH": ""})

    def test_the_platform_is_the_programs_chip(self):
        done = self.run_file("A2A3SIM_BINARY")
        self.assertIn("GOT a2a3sim none a2a3", done.stdout, done.stderr)
        self.assertEqual(done.returncode, 3)  # the file's own exit code
        self.assertIn("GOT a5sim none a5", self.run_file("A5SIM_BINARY").stdout)

    def test_a_file_that_offers_devices_only(self):
        script = self.SCRIPT.replace('"a2a3", "a2a3sim", "a5", "a5sim"', '"a2a3", "a5"')
        done = self.run_file("A2A3SIM_BINARY", script=script)
        self.assertIn("GOT a2a3 none a2a3", done.stdout, done.stderr)

    def test_arguments_of_the_file(self):
        done = self.run_file("A2A3SIM_BINARY", "--", "--mode", "decode", "-p", "a5sim")
        self.assertIn("GOT a5sim decode None", done.stdout, done.stderr)

    def test_machine_options(self):
        slow = "mte2.latency=99999"
        fast = self.run_file("A2A3SIM_BINARY").stdout
        done = self.run_file("A2A3SIM_BINARY", "--chip-set", slow, "--threads", "1")
        self.assertNotEqual(done.stdout.split("predicted")[1], fast.split("predicted")[1],
                            done.stderr)
        done = self.run_file("A2A3SIM_BINARY", "--chip", "a5")
        self.assertIn("GOT a5sim none a5", done.stdout, done.stderr)

    def test_output_folder(self):
        self.assertIn("-> here/kernel_", self.run_file("A2A3SIM_BINARY", "--out", "here").stdout)

    def test_a_file_without_a_platform_option_gets_none(self):
        done = self.run_file("A2A3SIM_BINARY", script="import sys, pypto; print(sys.argv)")
        self.assertIn("['kernel.py']", done.stdout, done.stderr)


if __name__ == "__main__":
    front_end.in_temporary_folder(unittest.main)
