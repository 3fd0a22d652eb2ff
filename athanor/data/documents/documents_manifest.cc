#include "athanor/data/documents/documents_manifest.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "athanor/base/error.h"

namespace athanor {

namespace {

using Json = nlohmann::json;
constexpr uint64_t kMaxManifestBytes = uint64_t{1} << 30;
constexpr size_t kKeepHeaderBytes = 8;

class ManifestReader {
 public:
  explicit ManifestReader(std::string where) : where_(std::move(where)) {}

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::kInput, what, where_,
                "the artifact is damaged; run the step that made it again with --force");
  }

  const Json& member(const Json& object, const char* name) const {
    if (!object.is_object() || !object.contains(name)) {
      fail(std::string("has no '") + name + "'");
    }
    return object.at(name);
  }

  uint64_t count(const Json& object, const char* name) const {
    const Json& value = member(object, name);
    if (!value.is_number_unsigned()) {
      fail(std::string("'") + name + "' is not a whole number >= 0");
    }
    return value.get<uint64_t>();
  }

  std::string text(const Json& value, const char* name) const {
    if (!value.is_string()) {
      fail(std::string("'") + name + "' is not a string");
    }
    return value.get<std::string>();
  }

  const Json& list(const Json& object, const char* name) const {
    const Json& value = member(object, name);
    if (!value.is_array()) {
      fail(std::string("'") + name + "' is not a list");
    }
    return value;
  }

  // ".." is how a filter points at the run before it; an absolute path would not survive a move.
  std::string relative_path(const Json& value, const char* name) const {
    std::string path = text(value, name);
    if (path.empty() || path.find('\0') != std::string::npos || fs::path(path).is_absolute()) {
      fail(std::string("'") + name + "' must be a relative path, not '" + path + "'");
    }
    return path;
  }

 private:
  std::string where_;
};

DocumentsManifest::Shard read_shard(const Json& object, const ManifestReader& reader) {
  DocumentsManifest::Shard shard;
  shard.path = reader.relative_path(reader.member(object, "path"), "path");
  shard.rows = reader.count(object, "rows");
  if (object.contains("column_paths")) {
    for (const Json& path : reader.list(object, "column_paths")) {
      shard.column_paths.push_back(reader.relative_path(path, "column_paths"));
    }
  }
  return shard;
}

}  // namespace

DocumentsManifest DocumentsManifest::load(const fs::path& dir) {
  const fs::path path = dir / kFileName;
  std::error_code code;
  if (!fs::is_regular_file(path, code)) {
    throw Error(ErrorKind::kInput, "is not a documents artifact: it has no documents.json", dir.string(),
                "give the out/ folder of a run that makes documents (collect, clean, dedup, split)");
  }
  const ManifestReader reader(path.string());
  Json json;
  try {
    json = Json::parse(read_file(path, kMaxManifestBytes));
  } catch (const nlohmann::json::exception&) {
    reader.fail("is not valid JSON");
  }
  const uint64_t schema = reader.count(json, "schema");
  if (schema < 1 || schema > kSchema) {
    throw Error(ErrorKind::kInput,
                "has schema " + std::to_string(schema) + ", this program reads up to " + std::to_string(kSchema),
                path.string(), "use a newer version of the program");
  }
  DocumentsManifest manifest;
  for (const Json& column : reader.list(json, "columns")) {
    manifest.columns.push_back(
        {reader.text(reader.member(column, "name"), "name"),
         column_type(reader.text(reader.member(column, "type"), "type"), path.string())});
  }
  uint64_t rows = 0;
  for (const Json& shard : reader.list(json, "shards")) {
    manifest.shards.push_back(read_shard(shard, reader));
    if (manifest.shards.back().rows > std::numeric_limits<uint64_t>::max() / 2 - rows) {
      reader.fail("has impossible row counts");
    }
    rows += manifest.shards.back().rows;
  }
  if (json.contains("keep")) {
    manifest.keep = reader.relative_path(json.at("keep"), "keep");
  }
  manifest.num_documents = reader.count(json, "num_documents");
  manifest.num_rows = reader.count(json, "num_rows");
  manifest.text_bytes = reader.count(json, "text_bytes");
  if (rows != manifest.num_rows) {
    reader.fail("says num_rows " + std::to_string(manifest.num_rows) + ", but its shards hold " +
                std::to_string(rows));
  }
  if (manifest.num_documents > rows || (manifest.keep.empty() && manifest.num_documents != rows)) {
    reader.fail("says num_documents " + std::to_string(manifest.num_documents) + " of " +
                std::to_string(rows) + " rows");
  }
  return manifest;
}

void DocumentsManifest::save(const fs::path& dir) const {
  nlohmann::ordered_json json;
  json["schema"] = kSchema;
  json["columns"] = nlohmann::ordered_json::array();
  for (const ColumnInfo& column : columns) {
    json["columns"].push_back({{"name", column.name}, {"type", name_of(column.type)}});
  }
  json["shards"] = nlohmann::ordered_json::array();
  for (const Shard& shard : shards) {
    nlohmann::ordered_json entry = {{"path", shard.path}, {"rows", shard.rows}};
    if (!shard.column_paths.empty()) {
      entry["column_paths"] = shard.column_paths;
    }
    json["shards"].push_back(std::move(entry));
  }
  if (!keep.empty()) {
    json["keep"] = keep;
  }
  json["num_documents"] = num_documents;
  json["num_rows"] = num_rows;
  json["text_bytes"] = text_bytes;
  write_file_atomic(dir / kFileName, json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

std::string pack_keep(const std::vector<bool>& keep) {
  std::string bytes(kKeepHeaderBytes + (keep.size() + 7) / 8, '\0');
  for (size_t i = 0; i < kKeepHeaderBytes; ++i) {
    bytes[i] = static_cast<char>((static_cast<uint64_t>(keep.size()) >> (8 * i)) & 0xff);
  }
  for (size_t row = 0; row < keep.size(); ++row) {
    if (keep[row]) {
      bytes[kKeepHeaderBytes + row / 8] |= static_cast<char>(1u << (row % 8));
    }
  }
  return bytes;
}

std::vector<bool> unpack_keep(std::string_view bytes, const std::string& where) {
  const ManifestReader reader(where);
  if (bytes.size() < kKeepHeaderBytes) {
    reader.fail("is too short for a keep bitmap");
  }
  uint64_t rows = 0;
  for (size_t i = 0; i < kKeepHeaderBytes; ++i) {
    rows |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
  }
  bytes.remove_prefix(kKeepHeaderBytes);
  if (rows > uint64_t{bytes.size()} * 8 || bytes.size() != (rows + 7) / 8) {
    reader.fail("says it has " + std::to_string(rows) + " rows, but holds " + std::to_string(bytes.size()) +
                " bytes of bits");
  }
  std::vector<bool> keep(rows);
  for (size_t row = 0; row < rows; ++row) {
    keep[row] = (static_cast<uint8_t>(bytes[row / 8]) >> (row % 8)) & 1;
  }
  if (rows % 8 != 0 && (static_cast<uint8_t>(bytes.back()) >> (rows % 8)) != 0) {
    reader.fail("has bits set after its last row");
  }
  return keep;
}

}  // namespace athanor
