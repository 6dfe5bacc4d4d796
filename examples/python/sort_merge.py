"""The largest k of a row with their positions: sort groups of 32, merge, take lanes apart.

`sort32` sorts groups of 32 scores, descending, and gives (score, position) pairs: twice as wide.
`mrgsort` merges sorted runs; block_len counts words, so 64 is one group of 32 pairs.
"""

import torch
from check import Case, main, normal

import pypto.language as pl

N, K = 512, 16
Scores = pl.Tensor[[1, N], pl.FP32]
Top = pl.Out[pl.Tensor[[1, K], pl.FP32]]
Places = pl.Out[pl.Tensor[[1, K], pl.INT32]]


@pl.jit.inline
def take_apart(pairs, values, places):
    """Even lanes are the scores, odd lanes the bits of the positions."""
    head = pl.slice(pairs, [1, 2 * K], [0, 0])
    values[:, :] = pl.gather(head, mask_pattern=pl.tile.MaskPattern.P0101)
    places[:, :] = pl.gather(head, mask_pattern=pl.tile.MaskPattern.P1010, output_dtype=pl.INT32)
    return values, places


@pl.jit
def top_k(scores: Scores, values: Top, places: Places):
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="top_k"):
        position = pl.arange(0, [1, N], dtype=pl.UINT32)
        pairs = pl.sort32(scores[:, :], position)  # 16 runs of 64 words
        pairs = pl.mrgsort(pairs, block_len=64)  # 4 runs of 256
        pairs = pl.mrgsort(pairs, block_len=256)  # 1 run
        values, places = take_apart(pairs, values, places)
    return values, places


@pl.jit
def merge_lists(scores: Scores, values: Top, places: Places):
    """Two lists of 256, each sorted on its own, become one."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="merge_lists"):
        first = pl.sort32(scores[:, 0 : N // 2], pl.tile.arange(0, [1, N // 2], dtype=pl.UINT32))
        first = pl.mrgsort(first, block_len=64)
        first = pl.mrgsort(first[:, 0:256], first[:, 256:512])
        later = pl.tensor.arange(N // 2, [1, N // 2], dtype=pl.UINT32)
        second = pl.tensor.sort32(scores[:, N // 2 : N], later)
        second = pl.tensor.mrgsort(second, block_len=64)
        second = pl.mrgsort(second[:, 0:256], second[:, 256:512])
        values, places = take_apart(pl.mrgsort(first, second), values, places)
    return values, places


def golden(scores):
    values, places = scores.sort(dim=1, descending=True, stable=True)
    return values[:, :K], places[:, :K].int()


if __name__ == "__main__":
    scores = normal(1, N)
    main(*(Case(kernel, [scores], [torch.zeros(1, K), torch.zeros(1, K, dtype=torch.int32)],
                golden) for kernel in (top_k, merge_lists)))
