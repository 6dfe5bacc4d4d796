"""Conversions between element types, and the INT8 quantisation chain.

A conversion is one instruction; a chip has only some pairs. `mode` says how to round: "rint" to
the nearest, ties to even; "round" (the default) ties away from zero; "floor"; "ceil"; "trunc".
"""

import torch
from check import Case, main, normal

import pypto.language as pl

ROWS, COLS = 16, 128
Matrix = pl.Tensor[[ROWS, COLS], pl.FP32]
Whole = pl.Tensor[[ROWS, COLS], pl.INT32]


@pl.jit
def rounding(x: Matrix, rint: pl.Out[Whole], away: pl.Out[Whole], floor: pl.Out[Whole],
             ceil: pl.Out[Whole], trunc: pl.Out[Whole]):
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="rounding"):
        t = x[:, :]
        rint[:, :] = pl.cast(t, target_type=pl.INT32, mode="rint")
        away[:, :] = pl.cast(t, pl.INT32)
        floor[:, :] = pl.cast(t, pl.INT32, mode="floor")
        ceil[:, :] = pl.cast(t, pl.INT32, mode="ceil")
        trunc[:, :] = pl.cast(t, pl.INT32, mode="trunc")
    return rint, away, floor, ceil, trunc


@pl.jit
def narrow_and_widen(x: pl.Tensor[[ROWS, COLS], pl.BF16], y: pl.Out[Matrix],
                     half: pl.Out[pl.Tensor[[ROWS, COLS], pl.FP16]],
                     z: pl.Out[pl.Tensor[[ROWS, COLS], pl.BF16]]):
    """Arithmetic is FP32: BF16 is widened when it comes in and rounded when it goes out."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="narrow_and_widen"):
        t = pl.mul(pl.cast(x[:, :], target_type=pl.FP32), 0.3)
        y[:, :] = t
        half[:, :] = pl.cast(t, target_type=pl.FP16, mode="rint")
        z[:, :] = pl.cast(t, target_type=pl.BF16, mode="rint")
    return y, half, z


@pl.jit
def quantise(x: Matrix, q: pl.Out[pl.Tensor[[ROWS, COLS], pl.INT8]],
             scale: pl.Out[pl.Tensor[[ROWS, 1], pl.FP32]]):
    """One scale per row. No chip converts FP32 to INT8: the way is INT32, FP16, INT8."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="quantise"):
        t = x[:, :]
        largest = pl.maximum(pl.row_max(pl.abs(t)), 1e-4)
        scaled = pl.row_expand_mul(t, pl.mul(pl.recip(largest), 127.0))
        whole = pl.cast(scaled, target_type=pl.INT32, mode="rint")
        half = pl.cast(whole, target_type=pl.FP16, mode="round")
        q[:, :] = pl.cast(half, target_type=pl.INT8, mode="trunc")
        scale[:, :] = pl.mul(largest, 1.0 / 127.0)
    return q, scale


@pl.jit
def scalars(lengths: pl.Tensor[[1, 8], pl.INT64], y: pl.Out[pl.Tensor[[1, 8], pl.INT32]]):
    """A scalar becomes an index (pl.INDEX) and goes back into a tensor as INT32."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="scalars"):
        for i in pl.range(8):
            length = pl.cast(pl.read(lengths, [0, i]), pl.INDEX)
            pl.write(y, [0, i], pl.cast((length + 3) // 4, pl.INT32))
    return y


def away_from_zero(x):
    return (x.sign() * (x.abs() + 0.5).floor()).int()


def golden_quantise(x):
    largest = x.abs().amax(1, True).clamp(min=1e-4)
    return (x * (1 / largest * 127)).round().to(torch.int8), largest / 127


def golden_narrow(x):
    t = x.float() * 0.3
    return t, t.half(), t.bfloat16()


def zeros(dtype, rows=ROWS, cols=COLS):
    return torch.zeros(rows, cols, dtype=dtype)


if __name__ == "__main__":
    halves = (normal(ROWS, COLS) * 8).round() / 2  # many ties
    lengths = torch.arange(8).reshape(1, 8) * 5
    main(
        Case(rounding, [halves], [zeros(torch.int32) for _ in range(5)],
             lambda x: (x.round().int(), away_from_zero(x), x.floor().int(), x.ceil().int(),
                        x.trunc().int())),
        Case(narrow_and_widen, [normal(ROWS, COLS, dtype=torch.bfloat16)],
             [zeros(torch.float32), zeros(torch.float16), zeros(torch.bfloat16)], golden_narrow),
        Case(quantise, [normal(ROWS, COLS)], [zeros(torch.int8), zeros(torch.float32, cols=1)],
             golden_quantise),
        Case(scalars, [lengths], [zeros(torch.int32, 1, 8)], lambda n: ((n + 3) // 4).int()),
    )
