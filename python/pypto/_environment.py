"""What a program file expects of the process: thread limits, `golden` importable, short errors."""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig
from pathlib import Path
from types import TracebackType

# Two BLAS threads on a busy machine make the small operations of a golden 10 to 100 times slower.
# PYPTO_GOLDEN_NUM_THREADS is read by the goldens of newer pypto-lib checkouts.
_THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PYPTO_GOLDEN_NUM_THREADS")


def limit_threads() -> None:
    """One torch and BLAS thread, unless the user set the variable."""
    user_chose_torch = "OMP_NUM_THREADS" in os.environ
    for name in _THREAD_LIMITS:
        os.environ.setdefault(name, "1")
    torch = sys.modules.get("torch")
    if torch is not None and not user_chose_torch:
        torch.set_num_threads(1)  # it was imported before pypto


def make_torch_importable() -> None:
    """Lets another interpreter of the same version use the distribution's torch and numpy."""
    packages = Path("/usr/lib/python3/dist-packages")
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    if importlib.util.find_spec("torch") is None and any(packages.glob(f"torch/_C*{suffix}")):
        sys.path.append(str(packages))


def seed_if_asked() -> None:
    """A2A3SIM_SEED=n: inputs that a file draws without its own seed are the same in every run."""
    text = os.environ.get("A2A3SIM_SEED", "")
    if not text.isdigit():
        return
    import random

    import numpy
    import torch

    random.seed(int(text))
    numpy.random.seed(int(text) % 2**32)
    torch.manual_seed(int(text))


def make_golden_importable() -> None:
    """Puts the checkout's root on sys.path for a script run from inside a pypto-lib checkout."""
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    if script is None or importlib.util.find_spec("golden") is not None:
        return
    for folder in Path(script).resolve().parents:
        if (folder / "golden" / "__init__.py").is_file():
            sys.path.append(str(folder))
            return


def install_excepthook() -> None:
    """An uncaught pypto.Error ends the program with one line on stderr and exit code 1."""
    from pypto._errors import Error, as_pypto_error, one_line

    previous = sys.excepthook

    def hook(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        reported = error if isinstance(error, Error) else as_pypto_error(error)
        if reported is None:
            previous(kind, error, trace)
            return
        sys.stdout.flush()
        print(one_line(reported), file=sys.stderr, flush=True)

    sys.excepthook = hook
