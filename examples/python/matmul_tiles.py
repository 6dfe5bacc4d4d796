"""Matrix products: operands go to L1, the product stays in L0C until it is stored (FIXPIPE).

BF16, FP16 and FP32 accumulate in FP32, INT8 in INT32. The front end cuts the operands for L0A and
L0B itself; what an author cuts is K, so that L1 holds the pieces, and M and N over the cores.
"""

import torch
from check import Case, between, main, normal

import pypto.language as pl

M, K, N = 32, 512, 128
K_TILE = 128
A = pl.Tensor[[M, K], pl.BF16]
B = pl.Tensor[[K, N], pl.BF16]
B_TURNED = pl.Tensor[[N, K], pl.BF16]
C = pl.Tensor[[M, N], pl.FP32]


@pl.jit
def whole(a: A, b: B, c: pl.Out[C]):
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="whole"):
        c[:, :] = pl.matmul(a[:, :], b[:, :], out_dtype=pl.FP32)
    return c


@pl.jit
def tiles_of_k(a: A, b: B_TURNED, c: pl.Out[C]):
    """Weights stand as [N, K] (b_trans); the first step starts the accumulator."""
    for block in pl.spmd(N // 64, name_hint="tiles_of_k"):
        n0 = block * 64
        for k in pl.pipeline(K // K_TILE, stage=2):
            k0 = k * K_TILE
            left = a[:, k0 : k0 + K_TILE]
            right = b[n0 : n0 + 64, k0 : k0 + K_TILE]
            if k == 0:
                acc = pl.matmul(left, right, out_dtype=pl.FP32, b_trans=True)
            else:
                acc = pl.matmul_acc(acc, left, right, b_trans=True)
        c[:, n0 : n0 + 64] = acc
    return c


@pl.jit
def with_init_cond(a: A, b: B, c: pl.Out[C]):
    """The same without a branch: init_cond says when the accumulator starts from zero."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="with_init_cond"):
        acc = pl.create_tensor([M, N], dtype=pl.FP32)
        for k0 in pl.range(0, K, K_TILE):
            acc = pl.matmul_acc(acc, a[:, k0 : k0 + K_TILE], b[k0 : k0 + K_TILE, :],
                                init_cond=(k0 == 0))
        c[:, :] = acc
    return c


@pl.jit
def eight_bits(a: pl.Tensor[[M, K], pl.INT8], b: pl.Tensor[[K, N], pl.INT8],
               scale: pl.Tensor[[M, 1], pl.FP32], c: pl.Out[C]):
    """Integer product on the cube, scaling on a vector core: a mixed scope."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="eight_bits"):
        product = pl.matmul(a[:, :], b[:, :], out_dtype=pl.INT32)
        c[:, :] = pl.row_expand_mul(pl.cast(product, target_type=pl.FP32), scale[:, :])
    return c


@pl.jit
def through_l1(a: A, b: B, c: pl.Out[C], d: pl.Out[C]):
    """L1 by hand: rows gathered into a tile of L1, and a tile of L1 seen transposed."""
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="gathered"):
        right = pl.create_l1([K, N], pl.BF16)
        for part in pl.range(4):
            row = part * (K // 4)
            right = pl.gather_row(right, b, [row, 0], [row, 0], [K // 4, N])
        c[:, :] = pl.matmul(a[:, :], right, out_dtype=pl.FP32)
    turned = pl.create_tensor([N, K], dtype=pl.BF16)
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="turn"):
        for k0 in pl.range(0, K, K_TILE):
            block = pl.cast(b[k0 : k0 + K_TILE, :], target_type=pl.FP32)
            block = pl.transpose(block, 0, 1)
            turned[:, k0 : k0 + K_TILE] = pl.cast(block, target_type=pl.BF16)
    with pl.at(level=pl.Level.CORE_GROUP, name_hint="seen_transposed"):
        right = pl.load(turned, [0, 0], [N, K], target_memory=pl.MemorySpace.Mat)
        d[:, :] = pl.matmul(a[:, :], pl.tile.transpose_view(right), out_dtype=pl.FP32)
    return c, d


def product(a, b):
    return a.float() @ b.float()


def zeros():
    return torch.zeros(M, N)


if __name__ == "__main__":
    a, b = normal(M, K, dtype=torch.bfloat16), normal(K, N, seed=1, dtype=torch.bfloat16)
    turned = b.t().contiguous()
    a8 = between(-128, 128, M, K, dtype=torch.int8)
    b8 = between(-128, 128, K, N, seed=1, dtype=torch.int8)
    scale = normal(M, 1).abs() / 1000
    main(
        Case(whole, [a, b], [zeros()], product, atol=1e-3),
        Case(tiles_of_k, [a, turned], [zeros()], lambda a, b: product(a, b.t()), atol=1e-3),
        Case(with_init_cond, [a, b], [zeros()], product, atol=1e-3),
        Case(eight_bits, [a8, b8, scale], [zeros()],
             lambda a, b, s: (a.double() @ b.double()).float() * s),
        Case(through_l1, [a, b], [zeros(), zeros()], lambda a, b: (product(a, b),) * 2, atol=1e-3),
    )
