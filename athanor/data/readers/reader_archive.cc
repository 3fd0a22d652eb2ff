// tar and zip: every member by its own reader. A member's source is the archive's with "/" and its name.
#include <algorithm>
#include <cstring>

#include "athanor/base/error.h"
#include "athanor/data/containers/tar.h"
#include "athanor/data/containers/zip.h"
#include "athanor/data/readers/reader_formats.h"
#include "athanor/data/sources/source.h"

namespace athanor {

namespace {

// Bytes in memory as a stream.
class MemoryStream : public ByteStream {
 public:
  explicit MemoryStream(std::string_view bytes) : bytes_(bytes) {}
  size_t read(char* buffer, size_t size) override {
    const size_t count = std::min(size, bytes_.size() - at_);
    std::memcpy(buffer, bytes_.data() + at_, count);
    at_ += count;
    return count;
  }
  const std::optional<StreamFault>& fault() const override { return fault_; }
  uint64_t file_position() const override { return at_; }

 private:
  std::string_view bytes_;
  size_t at_ = 0;
  std::optional<StreamFault> fault_;
};

// The reader of a member; nullptr when it is left out: not asked for, another kind of file, an archive in an archive.
const Reader* member_reader(const std::string& name, const ReadOptions& options) {
  const Reader* reader = find_reader(name);
  return reader == nullptr || !match_path(options.members, name) || reader->kind == Reader::Kind::kPath || reader->read == &read_tar ? nullptr : reader;
}

void read_member(const ReadInput& archive, const std::string& name, std::unique_ptr<ByteStream> raw,
                 const ReadOptions& options, const ReadSink& sink) {
  const auto stream = decoded_stream(std::move(raw));
  const ReadInput input{archive.source + "/" + name, stream.get(), {}};
  const ReadSink rows{sink.on_document, sink.on_rejected, {}, {}, sink.on_skipped, sink.on_note};
  member_reader(name, options)->read(input, options, rows);
}

}  // namespace

void read_tar(const ReadInput& input, const ReadOptions& options, const ReadSink& sink) {
  const RowSink rows(input, options, sink);
  try {
    TarReader tar(*input.stream, input.source);
    while (const auto member = tar.next()) {
      rows.progress();
      if (member_reader(member->name, options) == nullptr) {
        rows.skip("another file of an archive");
      } else {
        read_member(input, member->name, tar.open_member(), options, sink);
      }
    }
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInput) {
      throw;
    }
    rows.reject("damaged tar", 0, error.message());
  }
  rows.reject_fault();
}

void read_zip(const ReadInput& input, const ReadOptions& options, const ReadSink& sink) {
  const RowSink rows(input, options, sink);
  std::optional<ZipFile> zip;
  try {
    zip = ZipFile::open(input.path);
  } catch (const Error& error) {
    rows.reject("damaged zip", 0, error.message());
    return;
  }
  std::string bytes;
  std::string reason;
  for (const ZipMember& member : zip->members()) {
    if (member_reader(member.name, options) == nullptr) {
      rows.skip("another file of an archive");
    } else if (!zip->read(member, options.max_file_bytes, bytes, reason)) {
      rows.reject(reason.c_str(), member.header, member.name);
    } else {
      read_member(input, member.name, std::make_unique<MemoryStream>(bytes), options, sink);
    }
  }
}

}  // namespace athanor
