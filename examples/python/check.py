"""Runs the cases of an example on a modelled chip and compares them with plain torch.

An example ends with `check.main(Case(...), ...)`. A case calls its kernel with the inputs and the
outputs, in this order, and compares every output with what the golden says.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from pypto.runtime import RunConfig

PLATFORMS = ("a2a3sim", "a5sim")


@dataclass(frozen=True)
class Case:
    """One run of one kernel.

    golden(*inputs) gives the expected outputs: a tensor, or a tuple in the order of `outputs`.
    An element passes if |actual - expected| <= atol + rtol * |expected|; integers must be equal.
    """

    kernel: Callable[..., Any]
    inputs: Sequence[Any]
    outputs: Sequence[torch.Tensor]
    golden: Callable[..., Any]
    rtol: float = 1e-5
    atol: float = 1e-5
    platforms: tuple[str, ...] = PLATFORMS
    name: str = ""

    def problem(self, platform: str) -> str:
        """What is wrong after a run; empty if nothing is."""
        before = [i.clone() if isinstance(i, torch.Tensor) else i for i in self.inputs]
        self.kernel(*self.inputs, *self.outputs, config=RunConfig(platform=platform))
        expected = self.golden(*before)
        if isinstance(expected, torch.Tensor):
            expected = (expected,)
        if len(expected) != len(self.outputs):
            return f"the golden gives {len(expected)} outputs, not {len(self.outputs)}"
        for number, (actual, wanted) in enumerate(zip(self.outputs, expected)):
            if actual.shape != wanted.shape:
                return f"output {number} is {tuple(actual.shape)}, not {tuple(wanted.shape)}"
            wrong = ~self._close(actual, wanted)
            if wrong.any():
                at = tuple(wrong.nonzero()[0].tolist())
                return (f"output {number}: {int(wrong.sum())} of {actual.numel()} elements differ, "
                        f"{at} is {actual[at].item()}, not {wanted[at].item()}")
        return ""

    def _close(self, actual: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        if not actual.is_floating_point():
            return actual == wanted
        a, w = actual.double(), wanted.double()
        return (a == w) | ((a - w).abs() <= self.atol + self.rtol * w.abs())


def main(*cases: Case) -> None:
    """Runs the cases on the platform of the command line: one line each, exit code 1 on failure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-p", "--platform", default="a2a3sim", choices=PLATFORMS)
    platform = parser.parse_args().platform
    failed = False
    for case in cases:
        name = case.name or case.kernel.__name__
        if platform not in case.platforms:
            print(f"SKIP {name}: not a form of {platform}")
            continue
        problem = case.problem(platform)
        print(f"FAIL {name}: {problem}" if problem else f"PASS {name}", flush=True)
        failed = failed or bool(problem)
    sys.exit(1 if failed else 0)


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Normally distributed numbers, the same in every run."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def between(low: int, high: int, *shape: int, seed: int = 0,
            dtype: torch.dtype = torch.int32) -> torch.Tensor:
    """Whole numbers of low..high-1, the same in every run."""
    return torch.randint(low, high, shape, generator=torch.Generator().manual_seed(seed)).to(dtype)
