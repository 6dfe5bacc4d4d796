// Folders of tensors: manifest.json plus one .npy per tensor.
//   {"tensors": [{"name": "x", "shape": [128, 4096], "dtype": "bf16", "role": "input", "file":
//   "x.npy"}]}
#pragma once

#include <filesystem>
#include <vector>

#include "kernels/program.h"

namespace kernels {

/// Loads the tensors `expected` asks for; others in the folder are ignored. dtype names are those
/// of isa::dtype_from_name or "bfloat16", "float32", ... Errors: "manifest.open",
/// "manifest.syntax", "manifest.field" (missing or of the wrong type), "manifest.duplicate",
/// "manifest.missing-tensor", "manifest.dtype", "manifest.shape", "manifest.role", "manifest.file"
/// (a path that leaves the folder), and those of read_npy.
TensorSet load_tensors(const std::filesystem::path& dir, const std::vector<TensorSpec>& expected);

/// Writes manifest.json and one .npy per tensor into `dir`, which is created if needed.
/// Errors: "manifest.write", "npy.write".
void save_tensors(const std::filesystem::path& dir, const TensorSet& tensors);

/// "bf16", "fp32", "int8", ... as written to manifests.
std::string dtype_text(isa::DType t);

}  // namespace kernels
