// From the bytes of one file to documents. One line a format in the table of readers.cc; each format a file.
//   txt, md        the whole file, its lines, or its paragraphs (parted by blank lines)
//   jsonl, ndjson  one object a line          json   one object, or an array of objects
//   csv, tsv       RFC 4180 with a header row parquet one row, one document
// All but Parquet may be gzip or zstd inside (.gz, .zst behind the extension). A row that is not good is handed to
// on_rejected with a reason and the offset of what is wrong; reading goes on. Reasons: "invalid UTF-8", "empty",
// "line too long", "file too large", "broken JSON", "not a JSON object", "no text field", "text is not a string",
// "wrong number of columns", "broken quotes", "damaged Parquet", and those of StreamFault.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "athanor/data/document.h"
#include "athanor/data/rejected.h"
#include "athanor/data/stream.h"

namespace athanor {

struct ReadOptions {
  enum class Split { kFile, kLines, kParagraphs };
  Split split = Split::kFile;         // txt and md only
  std::string text_field;             // jsonl, json, csv, tsv, parquet; empty: "text", else "content"
  bool replace_invalid_utf8 = false;  // U+FFFD instead of rejecting
  uint64_t max_line_bytes = LineReader::kMaxLineBytes;
  uint64_t max_file_bytes = uint64_t{1} << 30;  // decompressed; where a file is read whole (txt as one, json)
};

struct ReadSink {
  std::function<void(Document&&)> on_document;
  std::function<void(Rejected&&)> on_rejected;
  // Bytes of the file on disk that were consumed; may be empty.
  std::function<void(uint64_t file_bytes)> on_progress;
};

struct ReadInput {
  std::string source;              // becomes Document::source
  ByteStream* stream = nullptr;    // decoded bytes; for readers of kind kStream
  fs::path path;                   // for readers of kind kPath
};

struct Reader {
  enum class Kind { kStream, kPath };
  std::string_view extension;  // without its dot
  Kind kind;
  void (*read)(const ReadInput& input, const ReadOptions& options, const ReadSink& sink);
  std::string_view what;
};

std::span<const Reader> readers();

// By the name's extension, letters of any case, .gz and .zst looked through; nullptr when there is none.
const Reader* find_reader(std::string_view file_name);

// Opens the file and reads it with its reader. Error(kInput) for an extension that no reader has, or for a table
// without the wanted text column.
void read_documents(const fs::path& path, const std::string& source, const ReadOptions& options,
                    const ReadSink& sink);

}  // namespace athanor
