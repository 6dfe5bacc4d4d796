// References and fixtures of the position scopes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/program.h"
#include "kernels/rope_tables.h"

namespace kernels::positions {

/// Kinds of attention: window only, window + 4:1 selection, window + 128:1 tail.
enum class Kind : uint8_t { Csa, Hca, Swa };
std::vector<std::string> kind_names();  ///< "csa", "hca", "swa": choices of a knob
/// Error "knob.value" for a text that names none.
Kind parse_kind(const std::string& text);
/// Swa: base; the others: compressed (kernels.md §1.6).
RopeProfile profile_of(Kind kind);

/// Positions that a request's first token cycles over in upstream's decode fixtures (§2.8).
std::vector<int64_t> start_positions(Kind kind);
/// position_ids [B, S] INT32: request b starts at starts[b mod size], tokens follow each other.
void fill_decode_positions(const HostTensor& position_ids, const std::vector<int64_t>& starts);
/// position_ids [T] INT32: start, start + 1, ...
void fill_prefill_positions(const HostTensor& position_ids, int64_t start);

/// The elements of an INT32 tensor.
std::vector<int64_t> position_list(const HostTensor& position_ids);
/// Position of each request's first token, moved down to a multiple of `group`.
std::vector<int64_t> request_positions(const HostTensor& position_ids, int64_t group = 1);

/// Rows `positions` of a table [max_position, 64] BF16: [n, 64] BF16.
HostTensor golden_rows(const HostTensor& table, const std::vector<int64_t>& positions);
/// Their first 32 columns as FP32: [n, 32].
HostTensor golden_half_rows(const HostTensor& table, const std::vector<int64_t>& positions);

}  // namespace kernels::positions
