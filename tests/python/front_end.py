"""Shared by the tests: skipping without torch, programs run as a user runs them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path

SKIP = 77  # ctest counts this exit code as skipped

try:
    import torch  # noqa: F401
except ImportError:
    print("skipped: no torch")
    sys.exit(SKIP)

COPY = '''
import pypto.language as pl

ROWS, COLS = 32, 64

@pl.jit
def copy(x: pl.Tensor[[ROWS, COLS], pl.FP32], y: pl.Out[pl.Tensor[[ROWS, COLS], pl.FP32]]):
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="copy_rows"):
        tile = pl.load(x, [0, 0], [ROWS, COLS])
        pl.store(tile, [0, 0], y)
    return y
'''


def run_script(text: str, *arguments: str, folder: Path | None = None,
               **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs the text as program.py in a fresh folder (or `folder`) with this interpreter."""
    if folder is None:
        with tempfile.TemporaryDirectory() as temporary:
            return run_script(text, *arguments, folder=Path(temporary), **variables)
    (folder / "program.py").write_text(textwrap.dedent(text), encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-B", "program.py", *arguments], cwd=folder, text=True,
        capture_output=True, timeout=120, env={**os.environ, **variables})


def in_temporary_folder(run: Callable[[], None]) -> None:
    """Work folders land where the process is: not beside the tests."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            run()
        finally:
            os.chdir("/")
