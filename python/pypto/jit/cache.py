"""Specialisation keys, as the harness of the May 2026 checkouts makes them."""

from __future__ import annotations

from typing import Any

from pypto.backend import chip_of


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple(sorted((str(k), _frozen(v)) for k, v in value.items()))
    if isinstance(value, (list, tuple)):
        return tuple(_frozen(v) for v in value)
    if isinstance(value, (set, frozenset)):
        return tuple(sorted(str(v) for v in value))
    return str(value)


def make_cache_key(
    source_hash: str,
    param_names: list[str],
    tensor_shapes: dict[str, tuple[int, ...]],
    tensor_dtypes: dict[str, Any],
    dynamic_dims: Any = (),
    scalar_values: dict[str, Any] | None = None,
    platform: str | None = None,
    **_compile_options: Any,
) -> tuple[Any, ...]:
    """Equal for calls that may share one compiled program. The chip counts, a2a3 or a2a3sim not."""
    del dynamic_dims
    return (
        source_hash,
        tuple(param_names),
        _frozen(tensor_shapes),
        _frozen(tensor_dtypes),
        _frozen(scalar_values or {}),
        chip_of(platform),
    )
