// Helpers of the lang tests: host tensors, tile contents and one-scope programs.
#pragma once

#include <catch2/catch.hpp>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "isa/numerics.h"
#include "isa/semantics.h"
#include "lang/pl.h"
#include "lang/tile_data.h"

namespace test {

using isa::DType;
using isa::Opcode;
using Grid = std::vector<std::vector<double>>;

/// Row-major host bytes of `values` in `dtype`.
std::shared_ptr<uint8_t> host(DType dtype, const std::vector<double>& values);
/// f(0), f(1), ... f(n-1).
std::vector<double> sequence(int64_t n, const std::function<double(int64_t)>& f);
/// Element `i` of a buffer.
double element(const uint8_t* data, DType dtype, int64_t i);
/// The static shape of a tile, row by row (inside its scope).
Grid grid(const pl::Tile& t);
/// Its valid part only.
Grid valid_grid(const pl::Tile& t);
/// rows x cols of f(r, c).
Grid grid_of(int64_t rows, int64_t cols, const std::function<double(int64_t, int64_t)>& f);

/// Runs `body` in a scope "s" of one block in a session of its own.
pl::RecordedProgram run(const std::function<void(pl::Session&)>& prepare,
                        const std::function<void()>& body, pl::SessionOptions options = {});
/// The instructions of a block (markers left out).
std::vector<pl::Op> instructions(const pl::BlockRecord& block);
std::vector<std::string> opcode_names(const pl::BlockRecord& block);

/// Everything of a program as text, buffer bytes included: equal texts mean equal programs.
std::string dump(const pl::RecordedProgram& p);

/// The isa::Error `f` throws; fails the test when it throws none.
isa::Error error_of(const std::function<void()>& f);

}  // namespace test
