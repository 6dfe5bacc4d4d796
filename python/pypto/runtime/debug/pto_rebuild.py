from __future__ import annotations

import os


def rebuild_kernel_cpp_from_pto(work_dir: str | os.PathLike[str]) -> list[str]:
    """Nothing to rebuild: programs run from their Python source."""
    del work_dir
    return []
