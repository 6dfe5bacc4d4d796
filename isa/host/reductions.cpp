// Row and column reductions. A row is summed in 32 lanes (element c goes to lane c mod 32, in
// order), the lanes then in a tree 16, 8, 4, 2, 1: the same order on every host. A column is summed
// from the first row down.
#include "isa/host/parts.h"

namespace isa::host::ISA_NS {
namespace {

template <class T>
const T* row(In v, int64_t r) {
  return static_cast<const T*>(v.data) + r * v.stride;
}

constexpr int kSumLanes = 32;
constexpr int kVecs = kSumLanes / kLanes;
constexpr int64_t kBlock = 256;
int64_t block(int64_t c, int64_t cols) { return cols - c < kBlock ? cols - c : kBlock; }

struct Sum {
  static constexpr float kIdentity = 0.0f;
  static float f(float x, float y) { return x + y; }
  static Vec v(Vec x, Vec y) { return x + y; }
  template <class I>
  static I i(I x, I y) {
    return static_cast<I>(static_cast<uint32_t>(x) + static_cast<uint32_t>(y));
  }
  template <class I>
  static constexpr I identity() {
    return 0;
  }
};
struct MaxOf {
  static constexpr float kIdentity = -__builtin_inff();
  static float f(float x, float y) { return (x > y || x != x) ? x : y; }
  static Vec v(Vec x, Vec y) { return ((x > y) | (x != x)) ? x : y; }
  template <class I>
  static I i(I x, I y) {
    return x > y ? x : y;
  }
  template <class I>
  static constexpr I identity() {
    return static_cast<I>(sizeof(I) == 4 ? INT32_MIN : INT16_MIN);
  }
};
struct MinOf {
  static constexpr float kIdentity = __builtin_inff();
  static float f(float x, float y) { return (x < y || x != x) ? x : y; }
  static Vec v(Vec x, Vec y) { return ((x < y) | (x != x)) ? x : y; }
  template <class I>
  static I i(I x, I y) {
    return x < y ? x : y;
  }
  template <class I>
  static constexpr I identity() {
    return static_cast<I>(sizeof(I) == 4 ? INT32_MAX : INT16_MAX);
  }
};

/// The lanes of one row; elements arrive in blocks whose sizes are multiples of 32 but for the
/// last.
template <class Op>
struct Lanes {
  Vec acc[kVecs];

  Lanes() {
    for (int j = 0; j < kVecs; ++j) acc[j] = splat(Op::kIdentity);
  }
  void take(const float* p, int64_t n) {
    int64_t c = 0;
    for (; c + kSumLanes <= n; c += kSumLanes)
      for (int j = 0; j < kVecs; ++j) acc[j] = Op::v(acc[j], vload(p + c + j * kLanes));
    if (c == n) return;
    alignas(64) float tail[kSumLanes];
    for (int j = 0; j < kSumLanes; ++j) tail[j] = c + j < n ? p[c + j] : Op::kIdentity;
    for (int j = 0; j < kVecs; ++j) acc[j] = Op::v(acc[j], vload(tail + j * kLanes));
  }
  float result() const {
    alignas(64) float lane[kSumLanes];
    for (int j = 0; j < kVecs; ++j) vstore(lane + j * kLanes, acc[j]);
    for (int w = kSumLanes / 2; w > 0; w /= 2)
      for (int j = 0; j < w; ++j) lane[j] = Op::f(lane[j], lane[j + w]);
    return lane[0];
  }
};

template <class Op>
void rows_f32(void* d, In a, Extent e) {
  for (int64_t r = 0; r < e.rows; ++r) {
    Lanes<Op> lanes;
    lanes.take(row<float>(a, r), e.cols);
    static_cast<float*>(d)[r] = lanes.result();
  }
}

template <class Op>
void rows_f16(void* d, In a, Extent e) {  // in fp32, rounded once
  alignas(64) float x[kBlock];
  for (int64_t r = 0; r < e.rows; ++r) {
    Lanes<Op> lanes;
    for (int64_t c = 0; c < e.cols; c += kBlock) {
      const int64_t n = block(c, e.cols);
      half_to_float(row<uint16_t>(a, r) + c, x, n);
      lanes.take(x, n);
    }
    static_cast<uint16_t*>(d)[r] = float_to_half(lanes.result());
  }
}

template <class Op, class I>
void rows_int(void* d, In a, Extent e) {
  for (int64_t r = 0; r < e.rows; ++r) {
    I acc = Op::template identity<I>();
    const I* p = row<I>(a, r);
    for (int64_t c = 0; c < e.cols; ++c) acc = Op::template i<I>(acc, p[c]);
    static_cast<I*>(d)[r] = acc;
  }
}

template <class Op>
void cols_f32(void* d, In a, Extent e) {
  float* dst = static_cast<float*>(d);
  alignas(64) float acc[kBlock];
  for (int64_t c = 0; c < e.cols; c += kBlock) {
    const int64_t n = block(c, e.cols);
    for (int64_t i = 0; i < n; ++i) acc[i] = Op::kIdentity;
    for (int64_t r = 0; r < e.rows; ++r) {
      const float* p = row<float>(a, r) + c;
      for (int64_t i = 0; i < n; ++i) acc[i] = Op::f(acc[i], p[i]);
    }
    for (int64_t i = 0; i < n; ++i) dst[c + i] = acc[i];
  }
}

template <class Op>
void cols_f16(void* d, In a, Extent e) {
  alignas(64) float acc[kBlock], x[kBlock];
  for (int64_t c = 0; c < e.cols; c += kBlock) {
    const int64_t n = block(c, e.cols);
    for (int64_t i = 0; i < n; ++i) acc[i] = Op::kIdentity;
    for (int64_t r = 0; r < e.rows; ++r) {
      half_to_float(row<uint16_t>(a, r) + c, x, n);
      for (int64_t i = 0; i < n; ++i) acc[i] = Op::f(acc[i], x[i]);
    }
    float_to_half(acc, static_cast<uint16_t*>(d) + c, n);
  }
}

template <class Op, class I>
void cols_int(void* d, In a, Extent e) {
  for (int64_t c = 0; c < e.cols; ++c) {
    I acc = Op::template identity<I>();
    for (int64_t r = 0; r < e.rows; ++r) acc = Op::template i<I>(acc, row<I>(a, r)[c]);
    static_cast<I*>(d)[c] = acc;
  }
}

template <class Op>
void add(Kernels& k, Reduce op) {
  k.rows[kF32][op] = rows_f32<Op>;
  k.rows[kF16][op] = rows_f16<Op>;
  k.rows[kI32][op] = rows_int<Op, int32_t>;
  k.rows[kI16][op] = rows_int<Op, int16_t>;
  k.cols[kF32][op] = cols_f32<Op>;
  k.cols[kF16][op] = cols_f16<Op>;
  k.cols[kI32][op] = cols_int<Op, int32_t>;
  k.cols[kI16][op] = cols_int<Op, int16_t>;
}

}  // namespace

void fill_reductions(Kernels& k) {
  add<Sum>(k, kSum);
  add<MaxOf>(k, kMaxOf);
  add<MinOf>(k, kMinOf);
}

}  // namespace isa::host::ISA_NS
