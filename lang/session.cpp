#include "lang/session.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "lang/session_impl.h"

namespace pl {
namespace {

thread_local Session::Impl* session_of_thread = nullptr;
std::atomic<uint64_t> next_session_serial{1};  // identity only; never shown

constexpr uint64_t kGmBase = 0x10000000;
constexpr uint64_t kGmAlign = 512;

Dims row_major_strides(const Dims& shape) {
  Dims strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

}  // namespace

Session::Impl* active_session() {
  if (Block* block = current_block()) return &block->run().session;
  return session_of_thread;
}

Session::Impl& current_session(Site site) {
  Session::Impl* session = active_session();
  if (session == nullptr) fail("lang.no-session", site, "needs an active pl::Session");
  return *session;
}

namespace {

/// Blocks of a rank run one after the other: ranks take turns (lang/world.h).
SessionOptions on_seat(SessionOptions options, const Seat& seat) {
  if (seat.world != nullptr) options.threads = 1;
  return options;
}

}  // namespace

Session::Impl::Impl(std::string program, SessionOptions session_options)
    : options(on_seat(session_options, seat_of_thread())),
      serial(next_session_serial.fetch_add(1)),
      seat(seat_of_thread()),
      pool(options.threads) {
  record.name = std::move(program);
  if (seat.world == nullptr) return;
  record.rank = seat.rank;
  record.ranks = seat.world->ranks;
}

isa::BufferId Session::Impl::window_buffer(WindowId window, const std::string& name, DType dtype,
                                           const Dims& shape) {
  if (windows_.size() <= window.value) windows_.resize(window.value + 1);
  isa::BufferId& known = windows_[window.value];
  if (known.valid()) return known;
  const WindowStore& store = seat.world->windows[window.value];
  auto gm = std::make_unique<GmStorage>();
  gm->info.name = name.empty() ? "window" + std::to_string(window.value) : name;
  gm->info.dtype = dtype;
  const auto size = static_cast<int64_t>(isa::size_of(dtype));
  int64_t covered = size;
  for (int64_t d : shape) covered *= d;
  if (covered == store.bytes)
    gm->info.shape.assign(shape.begin(), shape.end());
  else  // the view leaves a part of the window out
    gm->info.shape = {store.bytes / size};
  gm->info.bytes = store.bytes;
  gm->info.role = isa::BufferRole::InOut;
  gm->info.window = static_cast<int32_t>(window.value);
  gm->storage.data = store.copies[static_cast<size_t>(seat.rank)];
  gm->storage.initial = store.initial[static_cast<size_t>(seat.rank)];
  buffers_.push_back(std::move(gm));
  known = isa::BufferId(static_cast<uint32_t>(buffers_.size() - 1));
  return known;
}

uint8_t* Session::Impl::gm_data(const isa::GmAccess& gm) {
  const GmStorage& own = buffer(gm.buffer);
  if (!gm.remote()) return own.data();
  const WindowStore& store = seat.world->windows[static_cast<size_t>(own.info.window)];
  return store.copies[static_cast<size_t>(gm.peer)].get();
}

isa::BufferId Session::Impl::add_buffer(std::string name, DType dtype, const Dims& shape,
                                        isa::BufferRole role, std::shared_ptr<uint8_t> bytes) {
  auto gm = std::make_unique<GmStorage>();
  int64_t count = 1;
  for (int64_t d : shape) count *= d;
  gm->info.name = std::move(name);
  gm->info.dtype = dtype;
  gm->info.shape.assign(shape.begin(), shape.end());
  gm->info.bytes = count * static_cast<int64_t>(isa::size_of(dtype));
  gm->info.role = role;
  gm->read_only = role == isa::BufferRole::Input;
  if (bytes) {
    gm->storage.data = std::move(bytes);
  } else {
    gm->storage.data = allocate_gm(gm->info.bytes, dtype, options.poison);
    if (options.poison) gm->written = std::make_unique<WriteMap>(gm->info.bytes);
  }
  if (role == isa::BufferRole::Input) {
    gm->storage.initial = gm->storage.data;
  } else if (role == isa::BufferRole::InOut && options.keep_initial) {
    gm->storage.initial = copy_gm(gm->data(), gm->info.bytes);
  }
  buffers_.push_back(std::move(gm));
  return isa::BufferId(static_cast<uint32_t>(buffers_.size() - 1));
}

void Session::Impl::require_writable(GmStorage& target, Site site) {
  if (!target.read_only) return;
  if (!options.inputs_may_be_written)
    fail("lang.read-only", site,
         "tensor '" + target.info.name + "' is an input; declare it inout to write it");
  target.read_only = false;
  target.info.role = isa::BufferRole::InOut;
  target.storage.initial =
      options.keep_initial ? copy_gm(target.data(), target.info.bytes) : nullptr;
}

isa::SiteId Session::Impl::intern(const std::string& text) {
  const auto [it, added] =
      site_ids_.emplace(text, isa::SiteId(static_cast<uint32_t>(record.sites.size())));
  if (added) record.sites.push_back(text);
  return it->second;
}

void Session::Impl::open_runtime_scope(bool manual) {
  manual_.push_back(manual);
  OrchEvent& e = record.orchestration.emplace_back();
  e.kind = OrchEvent::Kind::ScopeBegin;
  e.manual = manual;
}

void Session::Impl::close_runtime_scope() noexcept {
  manual_.pop_back();
  record.orchestration.emplace_back().kind = OrchEvent::Kind::ScopeEnd;
}

RecordedProgram Session::Impl::finish() {
  // Implicit GM temporaries are allocated just before the task that fills them.
  if (!spill_allocs_.empty()) {
    std::stable_sort(spill_allocs_.begin(), spill_allocs_.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<OrchEvent> events;
    auto next = spill_allocs_.begin();
    for (const OrchEvent& e : record.orchestration) {
      if (e.kind == OrchEvent::Kind::Submit)
        for (; next != spill_allocs_.end() && next->first == e.task; ++next) {
          OrchEvent& alloc = events.emplace_back();
          alloc.kind = OrchEvent::Kind::Alloc;
          alloc.buffer = next->second;
        }
      events.push_back(e);
    }
    record.orchestration = std::move(events);
  }
  uint64_t addr = kGmBase;
  const auto place = [&](bool arguments) {
    for (std::unique_ptr<GmStorage>& gm : buffers_) {
      if ((gm->info.role != isa::BufferRole::Temp) != arguments) continue;
      gm->info.gm_addr = addr;
      addr += (static_cast<uint64_t>(std::max<int64_t>(gm->info.bytes, 1)) + kGmAlign - 1) /
              kGmAlign * kGmAlign;
    }
  };
  place(true);
  place(false);
  for (std::unique_ptr<GmStorage>& gm : buffers_) {
    record.buffers.push_back(std::move(gm->info));
    record.storage.push_back(std::move(gm->storage));
  }
  apply_fusions(fusions, code_, record);
  return std::move(record);
}

Session::Session(std::string program, SessionOptions options) {
  if (session_of_thread != nullptr)
    throw isa::Error("lang.session-active", "",
                     "program '" + program + "' cannot start while '" +
                         session_of_thread->record.name + "' is active on this thread");
  impl_ = std::make_unique<Impl>(std::move(program), options);
  session_of_thread = impl_.get();
}

Session::~Session() {
  if (impl_ && session_of_thread == impl_.get()) session_of_thread = nullptr;
}

namespace {

Tensor declare(Session::Impl* session, const std::string& name, DType dtype, const Dims& shape,
               isa::BufferRole role, std::shared_ptr<uint8_t> bytes) {
  if (session == nullptr)
    throw isa::Error("lang.no-session", "", "the session of tensor '" + name + "' has finished");
  if (shape.empty()) throw isa::Error("lang.rank", "", "tensor '" + name + "' has no dimensions");
  for (int64_t d : shape)
    if (d <= 0)
      throw isa::Error("lang.shape", "",
                       "tensor '" + name + "' has an extent of " + std::to_string(d));
  for (size_t i = 0; i < session->buffer_count(); ++i)
    if (session->buffer(isa::BufferId(static_cast<uint32_t>(i))).info.name == name)
      throw isa::Error("lang.duplicate-tensor", "", "tensor '" + name + "' is declared twice");
  const isa::BufferId id = session->add_buffer(name, dtype, shape, role, std::move(bytes));
  return {id, dtype, shape, row_major_strides(shape), 0};
}

void check_bytes(const std::string& name, const std::shared_ptr<uint8_t>& bytes) {
  if (!bytes || reinterpret_cast<uintptr_t>(bytes.get()) % 8 != 0)
    throw isa::Error("lang.tensor-bytes", "",
                     "the bytes of tensor '" + name + "' are missing or not 8 B aligned");
}

}  // namespace

Tensor Session::input(const std::string& name, DType dtype, Dims shape,
                      std::shared_ptr<uint8_t> bytes) {
  check_bytes(name, bytes);
  return declare(impl_.get(), name, dtype, shape, isa::BufferRole::Input, std::move(bytes));
}

Tensor Session::inout(const std::string& name, DType dtype, Dims shape,
                      std::shared_ptr<uint8_t> bytes) {
  check_bytes(name, bytes);
  return declare(impl_.get(), name, dtype, shape, isa::BufferRole::InOut, std::move(bytes));
}

Tensor Session::output(const std::string& name, DType dtype, Dims shape) {
  return declare(impl_.get(), name, dtype, shape, isa::BufferRole::Output, nullptr);
}

Tensor Session::output(const std::string& name, DType dtype, Dims shape,
                       std::shared_ptr<uint8_t> bytes) {
  check_bytes(name, bytes);
  return declare(impl_.get(), name, dtype, shape, isa::BufferRole::Output, std::move(bytes));
}

uint8_t* Session::data(const Tensor& tensor) {
  if (!impl_ || !tensor.present() || !impl_->has_buffer(tensor.buffer()))
    throw isa::Error("lang.no-session", "", "the tensor does not belong to this session");
  return impl_->buffer(tensor.buffer()).data();
}

RecordedProgram Session::finish() {
  if (!impl_) throw isa::Error("lang.no-session", "", "the session has already finished");
  RecordedProgram program = impl_->finish();
  session_of_thread = nullptr;
  impl_.reset();
  return program;
}

}  // namespace pl
