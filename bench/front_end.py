#!/usr/bin/env python3
"""CPU time of the Python front end per operation, recording and values included.

    PYTHONPATH=build/python python3 bench/front_end.py [--count N] [--repeat R]

Each row is the time of a loop body minus that of the empty loop; the tiles are one row of 16
floats, so that arithmetic does not count.
"""

from __future__ import annotations

import argparse
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch  # noqa: E402
import pypto.language as pl  # noqa: E402
from pypto.runtime import RunConfig  # noqa: E402

times: dict[str, float] = {}
count = 20000


def clock(name: str, start: float) -> None:
    times[name] = min(times.get(name, 1e9), (time.process_time() - start) / count * 1e9)


@pl.jit
def measured(x: pl.Tensor, i: pl.Tensor, y: pl.Out[pl.Tensor], w: pl.Out[pl.Tensor]):
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="loops"):
        start = time.process_time()
        for _ in pl.range(count):
            pass
        clock("loop iteration", start)
        start = time.process_time()
        for _ in range(count // 4):
            for _ in pl.range(4):
                pass
        clock("range(4), whole loop / 4", start)
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="reads"):
        start = time.process_time()
        for _ in range(count):
            pl.read(i, [0, 3])
        clock("read(t, [r, c])", start)
        start = time.process_time()
        for _ in range(count):
            i[0, 3]
        clock("t[r, c]", start)
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="writes"):
        start = time.process_time()
        for k in range(count):
            pl.write(w, [0, 3], k)
        clock("write(t, [r, c], v)", start)
        start = time.process_time()
        for k in range(count):
            pl.cast(k, pl.INT32)
        clock("cast(scalar)", start)
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="tiles"):
        start = time.process_time()
        for _ in range(count):
            t = x[0:1, 0:16]
        clock("t[a:b, c:d]", start)
        start = time.process_time()
        for _ in range(count):
            t = pl.load(x, [0, 0], [1, 16])
        clock("load", start)
        start = time.process_time()
        for _ in range(count):
            s = pl.mul(t, t)
        clock("mul(tile, tile)", start)
        start = time.process_time()
        for _ in range(count):
            s = pl.mul(t, 2.0)
        clock("mul(tile, number)", start)
        start = time.process_time()
        for _ in range(count):
            s = pl.slice(t, [1, 8], [0, 8])
        clock("slice(tile)", start)
        start = time.process_time()
        for _ in range(count):
            pl.read(t, [0, 3])
        clock("read(tile)", start)
        start = time.process_time()
        for _ in range(count):
            s = pl.cast(t, pl.FP16)
        clock("cast(tile)", start)
        start = time.process_time()
        for _ in range(count):
            y[0:1, 0:16] = t
        clock("t[a:b, c:d] = tile", start)
    return y, w


def main() -> None:
    global count
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=count)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    count = options.count
    x, i = torch.ones(16, 16), torch.ones(16, 16, dtype=torch.int32)
    y, w = torch.zeros(16, 16), torch.zeros(16, 16, dtype=torch.int32)
    for _ in range(options.repeat):
        measured(x, i, y, w, config=RunConfig(platform="a2a3sim"))
    start = time.process_time()
    for _ in range(count):
        pass
    empty = (time.process_time() - start) / count * 1e9
    for name, ns in times.items():
        print(f"{name:28} {ns - empty:7.0f} ns")


if __name__ == "__main__":
    main()
