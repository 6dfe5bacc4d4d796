"""One program written twice gives one machine; scripts/compare_runs sees where two differ."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SKIP = 77
HERE = Path(__file__).resolve().parent
COMPARE = HERE.parent.parent / "scripts/compare_runs"

try:
    import torch  # noqa: F401
except ImportError:
    print("skipped: no torch")
    sys.exit(SKIP)


def compare(a: Path, b: Path, *arguments: str) -> tuple[int, list[str]]:
    done = subprocess.run([sys.executable, "-B", str(COMPARE), str(a), str(b), "--json",
                           *arguments], capture_output=True, text=True)
    return done.returncode, json.loads(done.stdout)


class Pair(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        root = Path(cls.folder.name)
        cls.cpp, python = root / "cpp", root / "python"
        python.mkdir()
        subprocess.run([os.environ["A2A3SIM_CPP_PAIR"], str(cls.cpp)], check=True)
        subprocess.run([sys.executable, "-B", str(HERE / "split_k_norm.py")], cwd=python,
                       check=True, capture_output=True,
                       env={**os.environ, "A2A3SIM_DEP_GEN": "1", "A2A3SIM_DETAIL": "1"})
        (cls.python,) = (python / "build_output").iterdir()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.folder.cleanup()

    def changed(self, change) -> list[str]:
        """The differences to a copy of the C++ run whose summary has been changed."""
        summary = json.loads((self.cpp / "summary.json").read_text())
        other = copy.deepcopy(summary)
        change(other)
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder)
            (target / "summary.json").write_text(json.dumps(other))
            code, differences = compare(self.cpp, target)
        self.assertEqual(code, 1 if differences else 0)
        return differences

    def test_counts_dependencies_and_times_are_the_same(self) -> None:
        self.assertEqual(compare(self.python, self.cpp, "--times", "0"), (0, []))

    def test_the_dependencies_are_those_of_the_program(self) -> None:
        graph = json.loads((self.python / "dfx_outputs/deps.json").read_text())
        order = [task["task_id"] for task in graph["tasks"]]
        edges = {(order.index(e["pred"]), order.index(e["succ"])) for e in graph["edges"]}
        self.assertEqual(edges, {(0, 1), (1, 2)})  # clear, add, norm

    def test_every_instruction_is_recorded_on_request(self) -> None:
        (trace,) = self.python.glob("dfx_outputs/merged_swimlane_*.json")
        events = json.loads(trace.read_text())["traceEvents"]
        summary = json.loads((self.python / "summary.json").read_text())
        recorded = sum(e.get("cat") == "instr" for e in events)
        self.assertEqual(recorded, summary["instructions"])

    def test_a_missing_dependency_is_seen(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder)
            (target / "dfx_outputs").mkdir()
            for file in ("summary.json", "dfx_outputs/name_map_split_k_norm.json"):
                (target / file).write_text((self.cpp / file).read_text())
            graph = json.loads((self.cpp / "dfx_outputs/deps.json").read_text())
            graph["edges"] = graph["edges"][:1]
            (target / "dfx_outputs/deps.json").write_text(json.dumps(graph))
            code, differences = compare(self.cpp, target)
        self.assertEqual(code, 1)
        self.assertEqual(differences, ["dependency partial_products#0 -> norm_rows#0: "
                                       "only the first has it"])

    def test_counts_times_and_scopes_that_differ_are_named(self) -> None:
        def more_stores(summary):
            summary["scopes"][0]["instructions"]["TSTORE"] += 1

        def slower(summary):
            summary["makespan_us"] *= 1.02

        def renamed(summary):
            summary["scopes"][2]["name"] = "norm"

        self.assertEqual(len(self.changed(more_stores)), 1)
        self.assertIn("clear_sums: TSTORE 2 and 3", self.changed(more_stores))
        self.assertIn("+2.00 %", self.changed(slower)[0])
        self.assertIn("norm_rows and clear_sums, partial_products, norm", self.changed(renamed)[0])


if __name__ == "__main__":
    unittest.main()
