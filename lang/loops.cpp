#include <limits>

#include "lang/scope.h"
#include "lang/session_impl.h"

namespace pl {

LoopRange::LoopRange(LoopKind kind, int64_t begin, int64_t end, int64_t step, int stage, Site site)
    : kind_(kind), begin_(begin), end_(end), step_(step), trip_(0), stage_(stage), site_(site) {
  current_session(site);
  if (step <= 0)
    fail("lang.loop-step", site, "the loop's step is " + std::to_string(step) + ", not positive");
  if (stage < 1 || stage > std::numeric_limits<uint8_t>::max())
    fail("lang.pipeline-stage", site,
         "the pipeline has " + std::to_string(stage) + " stages, 1..255 are possible");
  if (end > begin) trip_ = (end - begin + step - 1) / step;
  if (trip_ > std::numeric_limits<int32_t>::max())
    fail("lang.loop-trip", site, std::to_string(trip_) + " iterations");
}

// Runs during unwinding too (break, return, exceptions): must not throw. The block or session may
// be gone by then.
LoopRange::~LoopRange() {
  const Session::Impl* session = active_session();
  if (!open_ || session == nullptr || session->serial != session_ || current_block() != block_)
    return;
  try {
    leave();
  } catch (...) {
  }
}

LoopRange::iterator LoopRange::begin() {
  if (trip_ == 0) return {this, 0};
  open_ = true;
  block_ = current_block();
  session_ = current_session(site_).serial;
  if (Block* block = current_block()) {
    Op& op = block->append_marker(Op::Kind::LoopBegin, site_);
    op.loop = kind_;
    op.trip = static_cast<int32_t>(trip_);
    op.stage = static_cast<uint8_t>(stage_);
  } else if (kind_ == LoopKind::Range) {
    ++current_session(site_).sequential_loops;
  }
  enter_iteration(0);
  return {this, 0};
}

LoopRange::iterator LoopRange::end() { return {this, trip_}; }

int64_t LoopRange::iterator::operator*() const { return loop_->begin_ + index_ * loop_->step_; }

LoopRange::iterator& LoopRange::iterator::operator++() {
  ++index_;
  if (index_ < loop_->trip_)
    loop_->enter_iteration(index_);
  else
    loop_->leave();
  return *this;
}

void LoopRange::enter_iteration(int64_t index) {
  if (Block* block = current_block()) {
    Op& op = block->append_marker(Op::Kind::LoopIter, site_);
    op.loop = kind_;
    op.trip = static_cast<int32_t>(trip_);
    op.iter = static_cast<int32_t>(index);
    return;
  }
  Session::Impl& session = current_session(site_);
  if (in_runtime_scope_) session.close_runtime_scope();
  // The compiler wraps every orchestration loop body in a scope of its own (kernel-language.md
  // §2.5), except where the author has taken over with manual_scope.
  in_runtime_scope_ = session.options.loop_scopes && !session.in_manual_scope() &&
                      (kind_ == LoopKind::Range || kind_ == LoopKind::Parallel);
  if (in_runtime_scope_) session.open_runtime_scope(false);
}

void LoopRange::leave() {
  open_ = false;
  if (Block* block = current_block()) {
    block->append_marker(Op::Kind::LoopEnd, site_).loop = kind_;
    return;
  }
  Session::Impl* session = active_session();
  if (session == nullptr) return;
  if (in_runtime_scope_) session->close_runtime_scope();
  in_runtime_scope_ = false;
  if (kind_ == LoopKind::Range) --session->sequential_loops;
}

LoopRange range(int64_t end, Site site) { return {LoopKind::Range, 0, end, 1, 1, site}; }
LoopRange range(int64_t begin, int64_t end, int64_t step, Site site) {
  return {LoopKind::Range, begin, end, step, 1, site};
}
LoopRange parallel(int64_t end, Site site) { return {LoopKind::Parallel, 0, end, 1, 1, site}; }
LoopRange parallel(int64_t begin, int64_t end, int64_t step, Site site) {
  return {LoopKind::Parallel, begin, end, step, 1, site};
}
LoopRange unroll(int64_t end, Site site) { return {LoopKind::Unroll, 0, end, 1, 1, site}; }
LoopRange pipeline(int64_t end, int stage, Site site) {
  return {LoopKind::Pipeline, 0, end, 1, stage, site};
}
LoopRange pipeline(int64_t begin, int64_t end, int stage, Site site) {
  return {LoopKind::Pipeline, begin, end, 1, stage, site};
}

LoopRange pipeline(int64_t begin, int64_t end, int64_t step, int stage, Site site) {
  return {LoopKind::Pipeline, begin, end, step, stage, site};
}
LoopRange unroll(int64_t begin, int64_t end, int64_t step, Site site) {
  return {LoopKind::Unroll, begin, end, step, 1, site};
}

}  // namespace pl
