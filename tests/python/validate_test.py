"""What `validate` asks of the front end: no goldens, equal inputs in every run."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HARNESS = """
def run_jit(fn, specs, golden_fn=None, golden_data=None, *, rtol=1e-5):
    return fn, specs, golden_fn, golden_data, rtol


def run(program, specs, config=None, golden_fn=None):
    return program, specs, config, golden_fn
"""

PROGRAM = """
{imports}
print(golden.run_jit("f", "s", "g", "d", rtol=2), golden.run("p", specs="s", golden_fn="g"),
      runner.run_jit("f", "s", golden_fn="g"))
"""


class GoldenSkipped(unittest.TestCase):
    def printed(self, imports: str, switch: str | None) -> str:
        with tempfile.TemporaryDirectory() as folder:
            package = Path(folder) / "golden"
            package.mkdir()
            (package / "runner.py").write_text(HARNESS)
            (package / "__init__.py").write_text("from .runner import run, run_jit\n")
            file = Path(folder) / "models" / "k.py"
            file.parent.mkdir()
            file.write_text(PROGRAM.format(imports=imports))
            env = {k: v for k, v in os.environ.items() if k != "A2A3SIM_GOLDEN"}
            if switch is not None:
                env["A2A3SIM_GOLDEN"] = switch
            return subprocess.run([sys.executable, "-B", str(file)], env=env, check=True,
                                  capture_output=True, text=True).stdout.strip()

    IMPORTS = "import pypto\nimport golden\nfrom golden import runner"

    def test_without_the_switch_nothing_changes(self) -> None:
        expected = "('f', 's', 'g', 'd', 2) ('p', 's', None, 'g') ('f', 's', 'g', None, 1e-05)"
        self.assertEqual(self.printed(self.IMPORTS, None), expected)
        self.assertEqual(self.printed(self.IMPORTS, "1"), expected)

    def test_the_switch_takes_the_golden_and_nothing_else(self) -> None:
        expected = "('f', 's', None, 'd', 2) ('p', 's', None, None) ('f', 's', None, None, 1e-05)"
        self.assertEqual(self.printed(self.IMPORTS, "0"), expected)

    def test_the_harness_may_be_imported_first(self) -> None:
        imports = ("import os, sys\n"
                   "sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))\n"
                   "import golden\nfrom golden import runner\nimport pypto")
        expected = "('f', 's', None, 'd', 2) ('p', 's', None, None) ('f', 's', None, None, 1e-05)"
        self.assertEqual(self.printed(imports, "0"), expected)


class Seeded(unittest.TestCase):
    CODE = ("import pypto, random, numpy, torch\n"
            "print(random.random(), numpy.random.rand(), torch.rand(1).item())")

    def drawn(self, seed: str | None) -> str:
        env = {k: v for k, v in os.environ.items() if k != "A2A3SIM_SEED"}
        if seed is not None:
            env["A2A3SIM_SEED"] = seed
        return subprocess.run([sys.executable, "-B", "-c", self.CODE], env=env, check=True,
                              capture_output=True, text=True).stdout

    def test_inputs_are_equal_with_a_seed_only(self) -> None:
        self.assertEqual(self.drawn("1"), self.drawn("1"))
        self.assertNotEqual(self.drawn("1"), self.drawn("2"))
        self.assertNotEqual(self.drawn(None), self.drawn(None))


if __name__ == "__main__":
    unittest.main()
