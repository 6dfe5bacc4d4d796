#include <fmt/format.h>
#include <zlib.h>

#include "isa/error.h"
#include "traces/chrome.h"

namespace traces {
namespace {

constexpr int kGzipWindow = 15 + 16;  // +16: gzip header instead of zlib's

Bytef* bytes_of(std::string_view text) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));  // zlib does not write its input
}

class Deflater {
 public:
  Deflater(const Sink& sink, int level) : sink_(sink), packed_(size_t{1} << 16, '\0') {
    if (deflateInit2(&stream_, level, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK)
      throw isa::Error("traces.gzip", fmt::format("compression level {} is not in 0..9", level));
  }
  ~Deflater() { deflateEnd(&stream_); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  void add(std::string_view text, int flush) {
    stream_.next_in = bytes_of(text);
    stream_.avail_in = static_cast<uInt>(text.size());
    do {  // zlib counts in 32 bits, which a piece of a trace never reaches
      stream_.next_out = bytes_of(packed_);
      stream_.avail_out = static_cast<uInt>(packed_.size());
      deflate(&stream_, flush);
      sink_({packed_.data(), packed_.size() - stream_.avail_out});
    } while (stream_.avail_out == 0);
  }

 private:
  const Sink& sink_;
  z_stream stream_{};
  std::string packed_;
};

}  // namespace

void write_gzip(const std::function<void(const Sink&)>& write, const Sink& sink, int level) {
  Deflater deflater(sink, level);
  write([&](std::string_view piece) { deflater.add(piece, Z_NO_FLUSH); });
  deflater.add("", Z_FINISH);
}

std::string gzip(const std::string& text, int level) {
  return collect(
      [&](const Sink& sink) { write_gzip([&](const Sink& plain) { plain(text); }, sink, level); });
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
