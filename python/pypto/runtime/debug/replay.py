from __future__ import annotations

import os


def invalidate_binary_cache(work_dir: str | os.PathLike[str]) -> None:
    """No binaries: programs run from their Python source."""
    del work_dir
