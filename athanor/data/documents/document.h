// One text with where it came from: the unit of the data rooms.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace athanor {

struct Document {
  std::string id;      // 32 lower-case hex digits, see document_id()
  std::string text;    // valid UTF-8
  std::string source;  // stable across machines: "npm:pkg@1.2.3/data/a.txt", "a/b.jsonl", "https://..."
  uint64_t span_begin = 0;  // byte range [begin, end) in the decompressed source file; for Parquet the row
  uint64_t span_end = 0;
  std::string meta = "{}";  // a JSON object: the fields that no reader knows pass through
};

// The first 128 bits of SHA-256(source \0 decimal span_begin \0 digest), in hex; digest is XXH3-128 of the text, 16 bytes,
// most significant first. Byte-exact on every machine. The place makes it unique; the text, that an edited one is another
// (SHA-256 of the whole text took a fifth of the time of collect).
std::string document_id(std::string_view source, uint64_t span_begin, std::string_view text);

}  // namespace athanor
