#include "athanor/data/readers/readers.h"

#include <algorithm>
#include <cctype>

#include "athanor/base/error.h"
#include "athanor/data/readers/reader_formats.h"

namespace athanor {

namespace {

constexpr Reader kReaders[] = {
    {"txt", Reader::Kind::kStream, &read_text, "plain text", true},
    {"md", Reader::Kind::kStream, &read_text, "Markdown", true},
    {"jsonl", Reader::Kind::kStream, &read_jsonl, "one JSON object a line", true},
    {"ndjson", Reader::Kind::kStream, &read_jsonl, "one JSON object a line", true},
    {"json", Reader::Kind::kStream, &read_json, "a JSON object or an array of them"},
    {"csv", Reader::Kind::kStream, &read_csv, "comma-separated values with a header row"},
    {"tsv", Reader::Kind::kStream, &read_tsv, "tab-separated values with a header row"},
    {"libsvm", Reader::Kind::kStream, &read_libsvm, "sparse rows, label index:value", true},
    {"svmlight", Reader::Kind::kStream, &read_libsvm, "sparse rows, label index:value", true},
    {"parquet", Reader::Kind::kPath, &read_parquet, "Apache Parquet"},
    {"arrow", Reader::Kind::kPath, &read_arrow, "Arrow IPC, a file or a stream"},
    {"feather", Reader::Kind::kPath, &read_arrow, "Arrow IPC, a file or a stream"},
    {"arrows", Reader::Kind::kPath, &read_arrow, "Arrow IPC, a file or a stream"},
    {"warc", Reader::Kind::kStream, &read_warc, "a web archive: pages and plain texts"},
    {"wet", Reader::Kind::kStream, &read_warc, "the texts of a web archive"},
    {"html", Reader::Kind::kStream, &read_html, "the main text of a web page"},
    {"htm", Reader::Kind::kStream, &read_html, "the main text of a web page"},
    {"eml", Reader::Kind::kStream, &read_eml, "one e-mail"},
    {"mbox", Reader::Kind::kStream, &read_mbox, "e-mails one after another"},
    {"png", Reader::Kind::kStream, &read_image, "an image", false, true},
    {"jpg", Reader::Kind::kStream, &read_image, "an image", false, true},
    {"jpeg", Reader::Kind::kStream, &read_image, "an image", false, true},
    {"idx3-ubyte", Reader::Kind::kStream, &read_idx_images, "MNIST's images", false, true},
    {"idx1-ubyte", Reader::Kind::kStream, &read_idx_labels, "MNIST's labels, read beside their images", false, true},
    {"tar", Reader::Kind::kStream, &read_tar, "an archive of files", false, true},
    {"zip", Reader::Kind::kPath, &read_zip, "an archive of files", false, true},
};

std::string lower_extension(std::string_view& name) {
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot + 1 == name.size() || name.find('/', dot) != std::string_view::npos) {
    return "";
  }
  std::string extension(name.substr(dot + 1));
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  name.remove_suffix(name.size() - dot);
  return extension;
}

}  // namespace

std::span<const Reader> readers() { return kReaders; }

const Reader* find_reader(std::string_view file_name) {
  std::string extension = lower_extension(file_name);
  bool compressed = extension == "gz" || extension == "zst" || extension == "bz2";
  if (compressed) {
    extension = lower_extension(file_name);
  }
  if (extension == "tgz") {
    extension = "tar";
    compressed = true;
  }
  for (const Reader& reader : kReaders) {
    const bool idx = extension.empty() && reader.extension.starts_with("idx") && file_name.ends_with(reader.extension);
    if ((reader.extension == extension || idx) && (!compressed || reader.kind == Reader::Kind::kStream)) {
      return &reader;
    }
  }
  return nullptr;
}

std::string known_extensions() {
  std::string known;
  for (const Reader& reader : kReaders) {
    known += (known.empty() ? "" : ", ") + std::string(reader.extension);
  }
  return "known: " + known + " (each but parquet, arrow and zip also as .gz, .zst, .bz2)";
}

void read_documents(const fs::path& path, const std::string& source, const ReadOptions& options,
                    const ReadSink& sink) {
  const Reader* reader = find_reader(path.filename().string());
  if (reader == nullptr) {
    throw Error(ErrorKind::kInput, "no reader for this kind of file", path.string(), known_extensions());
  }
  if (reader->kind == Reader::Kind::kPath) {
    reader->read({source, nullptr, path}, options, sink);
    return;
  }
  const auto stream = open_stream(path);
  reader->read({source, stream.get(), path}, options, sink);
}

}  // namespace athanor
