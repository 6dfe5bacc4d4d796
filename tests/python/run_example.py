"""Runs one example in a folder of its own: run_example.py FILE PLATFORM."""

import runpy
import sys
from pathlib import Path

import front_end

if __name__ == "__main__":
    file, platform = Path(sys.argv[1]).resolve(), sys.argv[2]
    sys.argv = [str(file), "-p", platform]
    sys.path.insert(0, str(file.parent))  # as if it had been started itself
    front_end.in_temporary_folder(lambda: runpy.run_path(str(file), run_name="__main__"))
