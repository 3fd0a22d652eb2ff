// Records of a web archive: WARC 1.0 and 1.1 (ISO 28500), from a stream that may be gzip with one record a member.
//
//   WarcReader warc(*stream, begin);
//   WarcRecord record;
//   while (warc.next(record)) { if (record.problem == nullptr) { use(record.header("WARC-Type"), record.payload); } }
//
// A record that is not as it says costs itself only: reading goes on at the next gzip member, or at the next line that
// begins like a record. Problems: "not a WARC record", "broken WARC header", "wrong Content-Length",
// "truncated WARC record", "WARC record too large", and those of StreamFault.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "athanor/data/stream/read_buffer.h"
#include "athanor/data/stream/stream.h"

namespace athanor {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

// "Name: value" lines until a blank one, as WARC, HTTP and mail have them: names lower-case, folded lines joined, white
// space around values dropped. Lines without a colon are passed over. `end` gets the offset behind the blank line;
// false when there is none.
bool parse_headers(std::string_view text, HeaderList& headers, size_t& end);
// The first value of that name (lower-case); empty when there is none.
std::string_view find_header(const HeaderList& headers, std::string_view name);
// "text/html" of "Text/HTML; charset=x", and a parameter of such a value ("charset"), unquoted.
std::string media_type(std::string_view value);
std::string header_parameter(std::string_view value, std::string_view name);

struct WarcRecord {
  HeaderList headers;
  std::string_view payload;  // valid until the next call
  uint64_t begin = 0;        // decompressed bytes
  uint64_t end = 0;
  uint64_t file_offset = 0;  // where its gzip member begins; of a plain file the same as begin
  const char* problem = nullptr;
  std::string sample;        // with a problem: how the record begins

  std::string_view header(std::string_view lower_case_name) const { return find_header(headers, lower_case_name); }
};

class WarcReader {
 public:
  static constexpr uint64_t kMaxHeaderBytes = 64 << 10;
  static constexpr uint64_t kMaxRecordBytes = uint64_t{64} << 20;

  // offset: of the stream's next byte.
  explicit WarcReader(ByteStream& stream, uint64_t offset = 0);

  // False at the end. A fault of the stream comes as a record with that problem.
  bool next(WarcRecord& record);

 private:
  bool fill();                      // more bytes; false at the end or at a fault
  bool have(size_t bytes);          // that many unread ones
  std::string_view unread() const { return buffer_.unread(); }
  uint64_t offset() const { return buffer_.offset(); }
  void drop(size_t bytes);
  bool skip_blank_lines();
  bool read_record(WarcRecord& record);
  bool check_end(size_t record_bytes);
  void skip_large(WarcRecord& record, uint64_t length);
  bool fail(WarcRecord& record, const char* problem, size_t skip);
  void resync(size_t skip);

  ByteStream& stream_;
  ReadBuffer buffer_;
  bool ended_ = false;
  std::deque<StreamFrame> frames_;  // the one of the first unread byte, and those after it
};

}  // namespace athanor
