#include <fmt/format.h>
#include <zlib.h>

#include "isa/error.h"
#include "traces/chrome.h"

namespace traces {
namespace {

constexpr int kGzipWindow = 15 + 16;  // +16: gzip header instead of zlib's

Bytef* bytes_of(const std::string& text) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));  // zlib does not write its input
}

}  // namespace

std::string gzip(const std::string& text, int level) {
  z_stream stream{};
  if (deflateInit2(&stream, level, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw isa::Error("traces.gzip", fmt::format("compression level {} is not in 0..9", level));
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = bytes_of(text);
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = bytes_of(out);
  stream.avail_out = static_cast<uInt>(out.size());
  const int status = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (status != Z_STREAM_END) throw isa::Error("traces.gzip", "the text is too long to compress");
  return out;
}

std::string gunzip(const std::string& bytes) {
  z_stream stream{};
  inflateInit2(&stream, kGzipWindow);
  stream.next_in = bytes_of(bytes);
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  int status = Z_OK;
  while (status == Z_OK) {
    std::string chunk(1 << 16, '\0');
    stream.next_out = bytes_of(chunk);
    stream.avail_out = static_cast<uInt>(chunk.size());
    status = inflate(&stream, Z_NO_FLUSH);
    out.append(chunk, 0, chunk.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END) throw isa::Error("traces.gzip", "not a complete gzip file");
  return out;
}

}  // namespace traces
