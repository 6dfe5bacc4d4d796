#include "lang/site_table.h"

namespace pl {
namespace {

// The pointer is only a key: slot order never shows, ids come from first use.
size_t hash_site(isa::Site site) {
  const auto key = reinterpret_cast<uintptr_t>(site.file) * 31u + static_cast<uintptr_t>(site.line);
  return static_cast<size_t>(key * 0x9e3779b97f4a7c15ull >> 17);
}

}  // namespace

std::string site_text(isa::Site site) {
  std::string_view file(site.file);
  const size_t slash = file.find_last_of('/');
  if (slash != std::string_view::npos) file.remove_prefix(slash + 1);
  return std::string(file) + ":" + std::to_string(site.line);
}

isa::SiteId SiteTable::lookup(isa::Site site) {
  if (sites_.size() * 2 >= slots_.size()) grow();
  const size_t mask = slots_.size() - 1;
  size_t slot = hash_site(site) & mask;
  for (; slots_[slot] >= 0; slot = (slot + 1) & mask) {
    const isa::Site& known = sites_[static_cast<size_t>(slots_[slot])];
    if (known.file == site.file && known.line == site.line) {
      last_ = static_cast<size_t>(slots_[slot]);
      return isa::SiteId(static_cast<uint32_t>(last_));
    }
  }
  last_ = sites_.size();
  slots_[slot] = static_cast<int32_t>(last_);
  sites_.push_back(site);
  return isa::SiteId(static_cast<uint32_t>(last_));
}

void SiteTable::grow() {
  const size_t size = slots_.empty() ? 64 : slots_.size() * 2;
  slots_.assign(size, -1);
  for (size_t i = 0; i < sites_.size(); ++i) {
    size_t slot = hash_site(sites_[i]) & (size - 1);
    while (slots_[slot] >= 0) slot = (slot + 1) & (size - 1);
    slots_[slot] = static_cast<int32_t>(i);
  }
}

}  // namespace pl
