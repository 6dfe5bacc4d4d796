"""scripts/upstream_table on a small checkout: verdicts, rows that stay, skips."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from front_end import COPY

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/upstream_table"
RUN = '''
import os
import signal
import sys
import torch
from pypto.runtime import RunConfig

assert sys.argv[1:3] == ["-p", "a2a3sim"], sys.argv
x, y = torch.ones(ROWS, COLS), torch.zeros(ROWS, COLS)
copy(x, y, config=RunConfig(platform="a2a3sim"))
copy(x, y, config=RunConfig(platform="a2a3sim"))
if "--big" in sys.argv:  # as the system does when memory runs out
    os.kill(os.getpid(), signal.SIGKILL)
print("[RUN] FAIL 'y'" if sys.argv[3:] else "[RUN] PASS")
raise SystemExit(1 if sys.argv[3:] else 0)
'''


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@t",
                           *arguments], check=True, text=True, capture_output=True).stdout.strip()


class UpstreamTable(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self.temporary.name)
        self.checkout = self.folder / "lib"
        (self.checkout / "models").mkdir(parents=True)
        (self.checkout / "models/rows.py").write_text(COPY + RUN)
        git(self.folder, "init", "-q", "lib")
        git(self.checkout, "add", "-A")
        git(self.checkout, "commit", "-qm", "one")
        self.commit = git(self.checkout, "rev-parse", "--short", "HEAD")
        (self.folder / "build").mkdir()
        os.symlink(os.environ["PYTHONPATH"].split(":")[0], self.folder / "build/python")
        (self.folder / "list.txt").write_text(
            "# comment\n"
            f"{self.commit} | models/rows.py | | |\n"
            f"{self.commit} | models/rows.py | --wrong | |\n"
            f"{self.commit} | models/rows.py | --big | heavy |\n"
            f"{self.commit} | models/large.py | | heavy skip | needs 40 GB\n")
        self.table = self.folder / "table.md"

    def tearDown(self):
        self.temporary.cleanup()

    def run_script(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(SCRIPT), *arguments, "--list", str(self.folder / "list.txt"),
             "--table", str(self.table), "--build", str(self.folder / "build"),
             "--python", sys.executable], text=True, capture_output=True, timeout=300, check=False,
            env={k: v for k, v in os.environ.items() if k != "PYPTO_LIB"})

    def rows(self) -> dict[str, list[str]]:
        lines = [x for x in self.table.read_text().splitlines() if x.startswith("| `")]
        cells = [[c.strip() for c in x.strip("|").split("|")] for x in lines]
        return {c[0]: c for c in cells}

    def test_rows_and_verdicts(self):
        result = self.run_script(str(self.checkout), "--files", "large")
        self.assertEqual(result.returncode, 77, result.stderr)
        result = self.run_script(str(self.checkout), "--files", "rows.py")
        self.assertEqual(result.returncode, 1, result.stderr)
        rows = self.rows()
        self.assertEqual(rows["`models/large.py`"][1], "skipped: needs 40 GB")
        passed = rows["`models/rows.py`"]
        self.assertEqual(passed[1:4], ["pass", "2", "4"])  # twice a task of a load and a store
        self.assertGreater(float(passed[8]), 0)
        self.assertEqual(rows["`models/rows.py --wrong`"][1], "fail: [RUN] FAIL 'y'")
        self.assertEqual(rows["`models/rows.py --big`"][1], "killed")
        self.assertIn("1 of 4 files pass.", self.table.read_text())
        self.assertEqual([p.name for p in (self.folder / "build/upstream").iterdir()
                          if p.name.startswith("rows")], [])

    def test_check_leaves_the_table_alone(self):
        result = self.run_script(str(self.checkout), "--check", "--files", "rows")
        self.assertEqual(result.returncode, 1)
        self.assertFalse(self.table.exists())

    def test_no_checkout(self):
        for arguments in ([], [str(self.folder)]):
            result = self.run_script(*arguments, "--check")
            self.assertEqual(result.returncode, 77)
            self.assertIn("no checkout of pypto-lib", result.stdout)

    def test_no_such_file(self):
        result = self.run_script(str(self.checkout), "--files", "nothing*")
        self.assertEqual(result.returncode, 1)
        self.assertIn("no file of the list fits", result.stderr)


if __name__ == "__main__":
    unittest.main()
