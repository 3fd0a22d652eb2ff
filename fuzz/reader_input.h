// For the targets of the readers: bytes as a stream or a file, and what must hold of every row that comes out.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"
#include "athanor/data/readers/readers.h"

namespace athanor {

class MemoryStream : public ByteStream {
 public:
  explicit MemoryStream(std::string_view bytes) : bytes_(bytes) {}
  size_t read(char* buffer, size_t size) override {
    const std::string_view some = bytes_.substr(at_, size);
    std::memcpy(buffer, some.data(), some.size());
    at_ += some.size();
    return some.size();
  }
  const std::optional<StreamFault>& fault() const override { return fault_; }
  uint64_t file_position() const override { return at_; }

 private:
  std::string_view bytes_;
  size_t at_ = 0;
  std::optional<StreamFault> fault_;
};

inline ReadSink checking_sink(std::string& source) {
  ReadSink sink;
  source = "fuzz";
  sink.on_document = [](Document&& document) {
    if (!is_valid_utf8(document.text) || document.text.empty() || document.span_begin > document.span_end ||
        !nlohmann::json::accept(document.meta)) {
      std::abort();
    }
  };
  sink.on_rejected = [](Rejected&& row) {
    if (row.reason.empty()) {
      std::abort();
    }
  };
  sink.on_boundary = [last = uint64_t{0}](uint64_t offset, std::string_view) mutable {
    if (offset < last) {
      std::abort();
    }
    last = offset;
  };
  return sink;
}

// Reads the bytes as a file with that extension; decompresses them first when they are compressed.
inline void read_as(const char* extension, std::string_view bytes, const ReadOptions& options = {}) {
  const Reader* reader = find_reader(std::string("a.") + extension);
  ReadInput input;
  const ReadSink sink = checking_sink(input.source);
  try {
    if (reader->kind == Reader::Kind::kStream) {
      const auto stream = decoded_stream(std::make_unique<MemoryStream>(bytes));
      input.stream = stream.get();
      reader->read(input, options, sink);
      return;
    }
    const int fd = ::memfd_create("fuzz", 0);
    if (fd < 0 || ::write(fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
      std::abort();
    }
    const std::unique_ptr<const int, void (*)(const int*)> closer(&fd, [](const int* open) { ::close(*open); });
    input.path = "/proc/self/fd/" + std::to_string(fd);
    reader->read(input, options, sink);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kInternal) {
      std::abort();
    }
  }
}

}  // namespace athanor
