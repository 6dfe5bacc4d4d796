"""`import pypto.language.distributed as pld`: windows and signals of the ranks."""

from __future__ import annotations

import sys
from typing import Any

from pypto._annotations import DistributedTensor
from pypto._errors import unknown_name

__all__ = ["DistributedTensor"]


def __getattr__(name: str) -> Any:
    raise unknown_name("pld", name, vars(sys.modules[__name__]))


