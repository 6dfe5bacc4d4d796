// NumPy .npy files, format 1.0 to 3.0, little endian, C order.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "kernels/program.h"

namespace kernels {

/// Reads `file` as the tensor `spec` describes. BF16 is stored as raw uint16. Shape [T, 1] and [T]
/// are not confused: the shape must match exactly.
/// Errors: "npy.open", "npy.magic", "npy.version", "npy.header", "npy.fortran-order", "npy.dtype",
/// "npy.shape", "npy.truncated", "npy.trailing" (more data than the header announces).
HostTensor read_npy(const std::filesystem::path& file, const TensorSpec& spec);

/// Writes format 1.0. Error "npy.write".
void write_npy(const std::filesystem::path& file, const HostTensor& tensor);

}  // namespace kernels
