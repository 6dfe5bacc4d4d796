"""Runs in the installed package: which one is it, and does an extension load with it?"""

try:
    import torch  # noqa: F401
except ImportError:
    print("front end of /prefix/lib/a2a3sim/python/pypto is not tested: no torch")
else:
    import os

    import pypto
    import pypto.language as pl

    print("front end of", os.path.dirname(pypto.__file__), pl.FP32)
