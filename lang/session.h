// A session executes one program: it owns the GM buffers, the thread pool and the recording.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lang/record.h"
#include "lang/tensor.h"

namespace pl {

struct SessionOptions {
  int threads = 0;     ///< host threads for spmd blocks; 0 = all cores. Never changes results.
  bool poison = true;  ///< create_tensor starts as NaN / 0xAB.. and reads of it are diagnosed
  bool mask_scatter = true;  ///< the chip has the mask form of scatter (a2a3 yes, a5 no)
  bool a5_casts = false;     ///< the chip converts a5's extra type pairs (kernel-language.md §1.3)
  bool loop_scopes = true;   ///< each iteration of an orchestration loop is a runtime scope
  /// A program that writes to an input makes it in/out (front ends that derive directions from the
  /// body, kernel-language.md §2.5) instead of the error "lang.read-only".
  bool inputs_may_be_written = false;
  /// Keep the bytes in/out tensors had before the run; verifying a lowering needs them.
  bool keep_initial = true;
};

/// One program run. Exactly one session is active per thread; `pl::` functions act on it.
/// Errors: "lang.session-active", "lang.duplicate-tensor".
class Session {
 public:
  explicit Session(std::string program, SessionOptions options = {});
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Program arguments. An input may not be written ("lang.read-only"). `bytes` (row-major, size
  /// checked: "lang.tensor-bytes") is adopted, not copied.
  Tensor input(const std::string& name, DType dtype, Dims shape, std::shared_ptr<uint8_t> bytes);
  Tensor inout(const std::string& name, DType dtype, Dims shape, std::shared_ptr<uint8_t> bytes);
  Tensor output(const std::string& name, DType dtype, Dims shape);
  /// An output that is written straight into the caller's memory; what it held counts as written.
  Tensor output(const std::string& name, DType dtype, Dims shape, std::shared_ptr<uint8_t> bytes);

  /// Bytes of a tensor's buffer (valid until the session and its record are gone).
  uint8_t* data(const Tensor& tensor);

  /// Ends the run and gives the recording away. The session is unusable afterwards.
  RecordedProgram finish();

  class Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

/// The active session's implementation; error "lang.no-session".
Session::Impl& current_session(Site site);

}  // namespace pl
