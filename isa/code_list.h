// Lists of instructions (or recorded operations) that are equal but for the GM places they access
// share their elements: a program of 100,000 tasks has few distinct kernels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "isa/instr.h"

namespace isa {

/// Where in GM an element reads or writes: the part of its GmAccess that is its own.
struct GmPlace {
  BufferId buffer;
  int64_t offset = 0;
};

/// Elements of type T, a record with a GmAccess `gm`. Reads as a vector whose elements come by
/// value. Changing a list that shares gives it elements of its own first.
template <class T>
class CodeList {
 public:
  using value_type = T;
  class const_iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = const T*;
    using reference = T;

    const_iterator(const CodeList* list, size_t at) : list_(list), at_(at) {}
    T operator*() const { return (*list_)[at_]; }
    const_iterator& operator++() {
      ++at_;
      return *this;
    }
    bool operator==(const const_iterator& b) const { return at_ == b.at_; }
    bool operator!=(const const_iterator& b) const { return at_ != b.at_; }

   private:
    const CodeList* list_;
    size_t at_;
  };

  CodeList() = default;
  CodeList(std::vector<T> elements) : own_(std::move(elements)) {}  // NOLINT: reads as a vector

  size_t size() const { return elements().size(); }
  bool empty() const { return elements().empty(); }
  bool shares() const { return shared_ != nullptr; }

  T operator[](size_t i) const {
    if (!shared_) return own_[i];
    T element = (*shared_)[i];
    place(element);
    return element;
  }
  T back() const { return (*this)[size() - 1]; }
  const_iterator begin() const { return {this, 0}; }
  const_iterator end() const { return {this, size()}; }

  /// By reference, with whatever place a shared `gm` has: for readers of everything else.
  const std::vector<T>& elements() const { return shared_ ? *shared_ : own_; }
  /// A copy of all elements as they are.
  void copy_to(std::vector<T>& out) const {
    out = elements();
    if (shared_)
      for (T& element : out) place(element);
  }

  T& operator[](size_t i) { return own()[i]; }
  T& back() { return own().back(); }
  typename std::vector<T>::iterator begin() { return own().begin(); }
  typename std::vector<T>::iterator end() { return own().end(); }
  void reserve(size_t n) { own().reserve(n); }
  void push_back(const T& element) { own().push_back(element); }
  T& emplace_back() { return own().emplace_back(); }
  void pop_back() { own().pop_back(); }
  void clear() { own().clear(); }

 private:
  template <class>
  friend class CodePool;
  using Elements = std::shared_ptr<const std::vector<T>>;

  /// The offset of a shared element's `gm` is an index into the places.
  void place(T& element) const {
    if (!element.gm.present()) return;
    const GmPlace& p = places_[static_cast<size_t>(element.gm.offset)];
    element.gm.buffer = p.buffer;
    element.gm.offset = p.offset;
  }

  std::vector<T>& own() {
    if (shared_) {
      copy_to(own_);
      shared_ = nullptr;
      std::vector<GmPlace>().swap(places_);
    }
    return own_;
  }

  std::vector<T> own_;
  Elements shared_;  ///< instead of `own_`
  std::vector<GmPlace> places_;
};

/// Known code. T needs `uint64_t code_hash(const T&)` and `bool same_code(const T&, const T&)`,
/// which leave out where `gm` is. Not for use by several threads at once.
template <class T>
class CodePool {
 public:
  /// Makes `list` share equal elements, or others share its elements from now on.
  void share(CodeList<T>& list) {
    if (list.shared_ || list.own_.empty()) return;
    list.places_ = take_places(list.own_);
    uint64_t hash = list.own_.size();
    for (const T& element : list.own_) hash = (hash ^ code_hash(element)) * 0x9e3779b97f4a7c15u;
    for (const auto& known : known_[hash])
      if (same(*known, list.own_)) {
        list.shared_ = known;
        std::vector<T>().swap(list.own_);  // `= {}` would keep the memory
        return;
      }
    list.own_.shrink_to_fit();
    list.shared_ = std::make_shared<const std::vector<T>>(std::move(list.own_));
    std::vector<T>().swap(list.own_);
    known_[hash].push_back(list.shared_);
  }

 private:
  static std::vector<GmPlace> take_places(std::vector<T>& elements) {
    std::vector<GmPlace> places;
    size_t n = 0;
    for (const T& element : elements) n += element.gm.present() ? 1 : 0;
    places.reserve(n);
    for (T& element : elements) {
      if (!element.gm.present()) continue;
      places.push_back({element.gm.buffer, element.gm.offset});
      element.gm.buffer = BufferId(0);
      element.gm.offset = static_cast<int64_t>(places.size()) - 1;
    }
    return places;
  }

  static bool same(const std::vector<T>& a, const std::vector<T>& b) {
    if (a.size() != b.size()) return false;
    for (size_t i = 0; i < a.size(); ++i)
      if (!same_code(a[i], b[i])) return false;
    return true;
  }

  std::unordered_map<uint64_t, std::vector<typename CodeList<T>::Elements>> known_;  // lookup only
};

}  // namespace isa
