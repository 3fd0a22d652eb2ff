// From the bytes of one file to documents. One line a format in the table of readers.cc; each format a file.
//   txt, md        the whole file, its lines, or its paragraphs (parted by blank lines)
//   jsonl, ndjson  one object a line          json        one object, or an array of objects
//   csv, tsv       RFC 4180 with a header row parquet     one row, one document
//   libsvm, svmlight  a line `label index:value ...`; the text is the line, meta {"format": "libsvm", "label": ...}
//   arrow, feather, arrows  Arrow IPC files and streams
//   warc, wet      web archives (ISO 28500)   html, htm   the main text of a page
//   eml, mbox      mail
//   png, jpg       images; idx3-ubyte: MNIST's    tar, zip    each member by its own reader
// All but Parquet and Arrow may be gzip, zstd or bzip2 inside (.gz, .zst, .bz2 behind the extension). A row that is
// not good is handed to on_rejected with a reason and the offset of what is wrong; reading goes on. Reasons: "invalid
// UTF-8", "empty", "line too long", "file too large", "broken JSON", "not a JSON object", "no text field", "text is
// not a string", "wrong number of columns", "broken quotes", "damaged Parquet", "damaged Arrow", "bad LIBSVM line: "
// with a reason of tables/libsvm.h, "document too large", those of StreamFault, of warc.h, of images/image.h and containers/zip.h, "damaged tar", "damaged zip", "damaged idx", and "html: " with a
// fault of html/extract.h.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "athanor/data/documents/document.h"
#include "athanor/data/readers/field_map.h"
#include "athanor/data/readers/rejected.h"
#include "athanor/data/stream/line_reader.h"

namespace athanor {

// Rows of csv and tsv put together to series (series_rows.h).
struct SeriesCut {
  int64_t rows = 0;    // 0: each row is a document; -1: a file is one series
  int64_t stride = 1;
  int64_t ahead = 0;
};

struct ReadOptions {
  enum class Split { kFile, kLines, kParagraphs };
  Split split = Split::kFile;         // txt and md only
  std::string text_field;             // jsonl, json, csv, tsv, parquet; empty: "text", else "content"
  FieldMap fields;                    // the same formats; takes text_field's place when it is not empty
  std::vector<std::string> columns;   // csv, tsv: the names of the columns of files without a header row
  std::string separator;              // csv, tsv: ",", ";", "tab", "|"; empty: as separated_record.h finds it, tsv: tab
  SeriesCut series;                   // csv, tsv
  bool images = false;                // folders: images and archives are taken too
  std::string members;                // archives: which of their files, with * and **; empty: all
  bool replace_invalid_utf8 = false;  // U+FFFD instead of rejecting
  uint64_t max_line_bytes = LineReader::kMaxLineBytes;
  uint64_t max_file_bytes = uint64_t{1} << 30;  // decompressed; where a file is read whole (txt as one, json)
};

struct ReadSink {
  std::function<void(Document&&)> on_document;
  std::function<void(Rejected&&)> on_rejected;
  // Bytes of the file on disk that were consumed; may be empty.
  std::function<void(uint64_t file_bytes)> on_progress;
  // All records that begin before `offset` were handed over, and the next one begins there or later: reading may go
  // on from here, with `state`, in another process. May be empty. Formats that are read as a whole never call it.
  std::function<void(uint64_t offset, std::string_view state)> on_boundary;
  // A record that is no text by its kind, such as the request in a web archive: counted, not an error. May be empty.
  std::function<void(const char* what)> on_skipped;
  // A sentence about the file that its reader wants known: columns renamed, no rows. May be empty.
  std::function<void(const std::string& what)> on_note = {};
};

struct ReadInput {
  std::string source;              // becomes Document::source
  ByteStream* stream = nullptr;    // decoded bytes from `begin` on; for readers of kind kStream
  fs::path path;                   // for readers of kind kPath
  uint64_t begin = 0;              // an offset that on_boundary gave (rows, for kPath), with its state
  std::string state;
  uint64_t end = UINT64_MAX;       // records that begin here or later are not read (lines and rows only)
};

struct Reader {
  enum class Kind { kStream, kPath };
  std::string_view extension;  // without its dot
  Kind kind;
  void (*read)(const ReadInput& input, const ReadOptions& options, const ReadSink& sink);
  std::string_view what;
  // Its records are lines, so that a plain file can be cut at any newline (txt and md: when split into lines).
  bool lines = false;
  // Found in folders only with ReadOptions::images: a folder of texts may hold pictures.
  bool by_name = false;
};

std::span<const Reader> readers();

// By the name's extension, letters of any case, .gz, .zst and .bz2 looked through; nullptr when there is none.
const Reader* find_reader(std::string_view file_name);

// "known: txt, md, ...": for messages.
std::string known_extensions();

// Opens the file and reads it with its reader. Error(kInput) for an extension that no reader has, or for a table
// without the wanted text column; for a csv or tsv in UTF-16 without its byte order mark (with it, it is read: offsets are
// those of the text as UTF-8) or whose header row is not UTF-8 (with the likely encoding).
void read_documents(const fs::path& path, const std::string& source, const ReadOptions& options,
                    const ReadSink& sink);

}  // namespace athanor
