"""What goldens use and an older torch lacks. Each is added only where it is absent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class _Float8:
    """Stands for a torch.dtype this torch does not have: `x.to(it)` rounds to its values.

    The result keeps a real dtype (fp32), which holds every fp8 value exactly; a later `.float()` or
    `.to(dtype)` then gives what it would give in a torch with the dtype.
    """

    def __init__(self, name: str, mantissa_bits: int, min_exponent: int, largest: float) -> None:
        self.name = name
        self.mantissa_bits = mantissa_bits
        self.min_exponent = min_exponent  # of the smallest normal number
        self.largest = largest

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def round(self, x: Any) -> Any:
        """Nearest value, ties to even; beyond the largest finite one NaN, as torch's cast."""
        import torch

        x = x.to(torch.float32)
        _, exponent = torch.frexp(x)  # |x| in [0.5, 1) * 2^exponent
        exponent = torch.clamp(exponent - 1, min=self.min_exponent)
        step = torch.ldexp(torch.ones_like(x), exponent - self.mantissa_bits)
        rounded = torch.round(x / step) * step  # powers of two: both exact
        return torch.where(rounded.abs() > self.largest, torch.full_like(x, float("nan")), rounded)


def install() -> None:
    import torch

    if not hasattr(torch, "float8_e4m3fn"):
        torch.float8_e4m3fn = _Float8("float8_e4m3fn", 3, -6, 448.0)
        _teach_to(torch)
    if not hasattr(torch, "unravel_index"):
        torch.unravel_index = _unravel_index
    try:
        torch.eye(1, dtype=torch.bfloat16)
    except RuntimeError:
        _teach_eye(torch)


def _teach_to(torch: Any) -> None:
    original = torch.Tensor.to

    def to(self: Any, *args: Any, **kwargs: Any) -> Any:
        target = kwargs.get("dtype", args[0] if args else None)
        if isinstance(target, _Float8):
            return target.round(self)
        return original(self, *args, **kwargs)

    to.__doc__ = original.__doc__
    torch.Tensor.to = to


def _teach_eye(torch: Any) -> None:
    original = torch.eye

    def eye(*args: Any, dtype: Any = None, **kwargs: Any) -> Any:
        if dtype is torch.bfloat16 and kwargs.get("out") is None:
            return original(*args, dtype=torch.float32, **kwargs).to(dtype)
        return original(*args, dtype=dtype, **kwargs)

    eye.__doc__ = original.__doc__
    torch.eye = eye


def _unravel_index(indices: Any, shape: Sequence[int]) -> tuple[Any, ...]:
    """Coordinates of flat indices in a tensor of `shape`, one tensor per dimension."""
    import torch

    coordinates = []
    for extent in reversed(tuple(shape)):
        coordinates.append(indices % extent)
        indices = torch.div(indices, extent, rounding_mode="floor")
    return tuple(reversed(coordinates))
