"""Warming the L2 cache: a copy engine fetches weights while tasks run. Values do not change."""

import torch
from check import Case, main, normal

import pypto.language as pl

M, K, N = 16, 256, 256


@pl.jit
def warmed(x: pl.Tensor[[M, K], pl.FP32], w: pl.Tensor[[K, N], pl.BF16],
           y: pl.Out[pl.Tensor[[M, N], pl.FP32]]):
    context = pl.prefetch.make_context()
    pl.prefetch.async_prefetch(pl.reshape(w, [K * N]), context)
    narrow = pl.create_tensor([M, K], dtype=pl.BF16)
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="narrow"):
        narrow[:, :] = pl.cast(x[:, :], target_type=pl.BF16, mode="rint")
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="product"):
        y[:, :] = pl.matmul(narrow[:, :], w[:, :], out_dtype=pl.FP32)
    return y


if __name__ == "__main__":
    x, w = normal(M, K), normal(K, N, seed=1, dtype=torch.bfloat16)
    main(Case(warmed, [x, w], [torch.zeros(M, N)], lambda x, w: x.bfloat16().float() @ w.float(),
              atol=1e-3))
