"""Compiler settings that program files name. There is no compiler: they have no effect."""

from __future__ import annotations

import enum


class OptimizationStrategy(enum.Enum):
    Default = "default"
    DebugTileOptimization = "debug-tile-optimization"
    TileCCEOptimization = "tile-cce-optimization"
