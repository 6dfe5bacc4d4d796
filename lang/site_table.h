// Source sites of one block, numbered in order of first use. Merging the tables of all blocks in
// block order gives ids that do not depend on how blocks were spread over threads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "isa/error.h"
#include "isa/types.h"

namespace pl {

/// "qkv_proj_rope.cpp:120": the file's name without its folder.
std::string site_text(isa::Site site);

class SiteTable {
 public:
  isa::SiteId intern(isa::Site site) {
    if (last_ < sites_.size() && sites_[last_].line == site.line && sites_[last_].file == site.file)
      return isa::SiteId(static_cast<uint32_t>(last_));
    return lookup(site);
  }
  const std::vector<isa::Site>& sites() const { return sites_; }

 private:
  isa::SiteId lookup(isa::Site site);
  void grow();

  std::vector<isa::Site> sites_;
  std::vector<int32_t> slots_;  ///< open addressing; -1 = free
  size_t last_ = 0;
};

}  // namespace pl
