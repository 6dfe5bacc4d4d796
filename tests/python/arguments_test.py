"""Arguments by keyword, with the names pypto gives them (python/pypto/language/op of e2d0f78ae)."""

import unittest

import front_end
import torch

import pypto.language as pl

M, N = 16, 64
Matrix = pl.Tensor[[M, N], pl.FP32]


@pl.jit
def vectors(x: Matrix, c: pl.Tensor[[M, 1], pl.FP32], r: pl.Tensor[[1, N], pl.FP32],
            y: pl.Out[Matrix]):
    with pl.at(pl.Level.CORE_GROUP, None, name_hint="vectors", dumps=None, windowize=False):
        t = pl.load(tensor=x, offsets=[0, 0], shapes=[M, N], valid_shape=[M, N],
                    target_memory=pl.MemorySpace.Vec, clamp=False)
        column = pl.load(c, [0, 0], [M, 1], [M, 1], pl.MemorySpace.Vec)
        row = pl.slice(input=r, shape=[1, N], offset=[0, 0], valid_shape=[1, N], pad_value=0,
                       clamp=True)
        scratch = pl.tile.create([M, N], pl.FP32, pl.MemorySpace.Vec, None, flat_layout=None)
        for op in (pl.add, pl.sub, pl.mul, pl.maximum, pl.minimum):
            t = op(lhs=t, rhs=t)
        t = pl.add(lhs=t, rhs=1.0)
        t = pl.div(lhs=t, rhs=t, high_precision=True)
        for op in (pl.exp, pl.log, pl.sqrt, pl.recip, pl.neg, pl.abs):
            t = op(input=t)
        t = pl.log(input=pl.add(t, 2.0), high_precision=True)
        t = pl.recip(input=t, high_precision=True)
        t = pl.rsqrt(input=t, high_precision=True)
        for op in (pl.row_expand, pl.row_expand_mul, pl.row_expand_div, pl.row_expand_sub):
            t = op(lhs=t, rhs=column)
        t = pl.row_expand_add(lhs=t, rhs=column, tmp=scratch)
        for op in (pl.col_expand, pl.col_expand_mul, pl.col_expand_add, pl.col_expand_expdif):
            t = op(lhs=t, rhs=row)
        for op in (pl.row_sum, pl.row_max, pl.row_min, pl.row_argmax, pl.col_sum):
            op(input=t, tmp_tile=scratch)
        pl.col_max(input=t)
        t = pl.cast(input=t, target_type=pl.BF16, mode=1)
        t = pl.cast(input=t, target_type=pl.FP32, mode="round")
        mask = pl.tile.cmp(lhs=t, rhs=t, cmp_type=1)
        t = pl.sel(mask=mask, lhs=t, rhs=x[:, :], tmp=scratch)
        t = pl.sel(pl.cmp(lhs=t, rhs=0.0, cmp_type=2), pl.neg(t), t, scratch)
        t = pl.transpose(input=pl.transpose(t, 0, 1, scratch), axis1=0, axis2=1, tmp_tile=None)
        t = pl.reshape(input=pl.reshape(t, [N, M]), shape=[M, N])
        t = pl.concat(src0=t[:, 0:32], src1=t[:, 32:64])
        t = pl.set_validshape(input=t, valid_rows=M, valid_cols=N)
        t = pl.tile.fillpad(tile=pl.fillpad(value=t, pad_value=0.0), pad_value=pl.PadValue.min)
        t = pl.assemble(target=t, source=t[0:8, :], offset=[8, 0])
        y = pl.store(tile=t, offsets=[0, 0], output_tensor=y, shapes=[M, N],
                     atomic=pl.AtomicType.None_)
    return y


@pl.jit
def lanes(x: Matrix, i: pl.Tensor[[M, N], pl.INT32], y: pl.Out[Matrix]):
    table = pl.create_tensor([M, N], pl.FP32, None, True, 0.0)
    ids = pl.array.create(extent=2, dtype=pl.TASK_ID)
    with pl.spmd(core_num=1, name_hint="lanes", sync_start=False, optimizations=None, deps=None,
                 allow_early_resolve=False, predicate=None) as tid:
        t = pl.gather(input=x[:, :], dim=-1, index=i[:, :], output_dtype=None)
        t = pl.tile.gather(src=t, indices=i[:, :], tmp=t)
        t = pl.scatter(t, -1, i[:, :], x[:, :])
        t = pl.tile.scatter(dst=t, src=x[:, :], indexes=i[:, :])
        rows = pl.gather_row(dst=t, src=x, dst_offset=[0, 0], src_offset=[0, 0], shapes=[M, N],
                             transpose=False, valid_shape=[M, N])
        pairs = pl.sort32(src=rows[0:1, :], idx=pl.arange(start=0, shape=[1, N], dtype=pl.UINT32))
        pl.mrgsort(src0=pairs[:, 0:64], src1=pairs[:, 64:128], src2=None, src3=None, tmp=None,
                   exhausted=False)
        pl.write(dst=y, offset=[0, 0], value=pl.read(src=x, offset=[0, 0]))
        pl.tensor.write(tensor=y, indices=[0, 1], value=pl.tensor.read(tensor=x, indices=[0, 1]))
        pl.tile.write(tile=rows, indices=[0, 0], value=pl.tile.read(tile=rows, indices=[0, 1]))
        n = pl.tensor.dim(tensor=x, axis=1)
        pl.tensor.create(shape=[8, n], dtype=pl.FP32)
    ids[0] = tid
    with pl.at(level=pl.Level.CORE_GROUP, role=None, optimizations=[
            pl.split(mode=pl.SplitMode.NONE, slot_num=None), pl.cross_core_slot(slot_num=2)],
            deps=ids, no_dep_args=[table], name_hint="rest", allow_early_resolve=False):
        a = pl.cast(x[:, :], pl.BF16)
        product = pl.matmul(lhs=a, rhs=a, out_dtype=pl.FP32, a_trans=False, b_trans=True,
                            c_matrix_nz=False)
        pl.matmul_acc(acc=product, lhs=a, rhs=a, a_trans=False, b_trans=True, init_cond=False)
        y[:, :] = pl.add(x[:, :], table[:, :])
    pl.prefetch.async_prefetch(src=x, ctx=pl.prefetch.make_context())
    return y


class Arguments(unittest.TestCase):
    def test_names_of_vector_operations(self):
        y = torch.zeros(M, N)
        vectors(torch.ones(M, N), torch.ones(M, 1), torch.ones(1, N), y)
        self.assertTrue(torch.equal(y, torch.ones(M, N)))  # exp(1 - 1) wherever it goes

    def test_names_of_lanes_scalars_and_scopes(self):
        x = torch.arange(M * N, dtype=torch.float32).reshape(M, N)
        index = torch.arange(N, dtype=torch.int32).repeat(M, 1)
        y = torch.zeros(M, N)
        lanes(x, index, y)
        self.assertTrue(torch.equal(y, x))


if __name__ == "__main__":
    front_end.in_temporary_folder(unittest.main)
