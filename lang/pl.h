// The kernel language: `pypto.language` vocabulary in C++, executed eagerly and recorded.
//
//   pl::Session session("axpy");
//   pl::Tensor x = session.input("x", isa::DType::F32, {16, 64}, host_bytes);
//   pl::Tensor y = session.output("y", isa::DType::F32, {16, 64});
//   pl::spmd(2, {"axpy"}, [&](int64_t b) {
//     pl::Tile t = pl::load(x, {b * 8, 0}, {8, 64});
//     pl::store(pl::mul(t, 2.0), {b * 8, 0}, y);
//   });
//   pl::RecordedProgram program = session.finish();
//
// Statements outside a scope are orchestration (they run on the AICPU); inside `at` / `spmd` every
// operation computes its value at once and is recorded for lowering. Rules and meaning of each
// symbol: kernel-language.md §1-2. All errors are isa::Error with the scope and source line.
#pragma once

#include "lang/ops.h"
#include "lang/ranks.h"
#include "lang/scalars.h"
#include "lang/scope.h"
#include "lang/session.h"
#include "lang/tensor.h"
#include "lang/world.h"
