#include "athanor/run/artifact.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <utility>

#include "athanor/base/error.h"
#include "athanor/base/hash.h"

namespace athanor {

namespace {

constexpr std::array<std::pair<ArtifactKind, const char*>, 7> kKinds{{
    {ArtifactKind::kNone, "none"},
    {ArtifactKind::kDocuments, "documents"},
    {ArtifactKind::kTokens, "tokens"},
    {ArtifactKind::kTokenizer, "tokenizer"},
    {ArtifactKind::kModel, "model"},
    {ArtifactKind::kEstimator, "estimator"},
    {ArtifactKind::kReport, "report"},
}};

bool has(const fs::path& folder, const char* name) {
  std::error_code code;
  return fs::exists(folder / name, code);
}

}  // namespace

const char* name_of(ArtifactKind kind) {
  for (const auto& [known, name] : kKinds) {
    if (known == kind) {
      return name;
    }
  }
  return "none";
}

std::optional<ArtifactKind> artifact_kind(std::string_view name) {
  for (const auto& [kind, known] : kKinds) {
    if (known == name) {
      return kind;
    }
  }
  return std::nullopt;
}

ArtifactKind detect_kind(const fs::path& folder) {
  if (has(folder, "config.json") && (has(folder, "model.safetensors") || has(folder, "model.safetensors.index.json"))) {
    return ArtifactKind::kModel;
  }
  if (has(folder, "documents.json")) {
    return ArtifactKind::kDocuments;
  }
  if (has(folder, "tokens.json")) {
    return ArtifactKind::kTokens;
  }
  if (has(folder, "estimator.json")) {
    return ArtifactKind::kEstimator;
  }
  if (has(folder, "tokenizer.json")) {
    return ArtifactKind::kTokenizer;
  }
  return has(folder, "report.json") ? ArtifactKind::kReport : ArtifactKind::kNone;
}

bool can_serve_as(const fs::path& folder, ArtifactKind wanted) {
  const ArtifactKind kind = detect_kind(folder);
  return kind == wanted ||
         (wanted == ArtifactKind::kTokenizer && kind == ArtifactKind::kModel && has(folder, "tokenizer.json"));
}

std::string write_manifest(const fs::path& dir, const std::map<std::string, std::string>& known) {
  std::vector<std::string> paths;
  for (const auto& entry : fs::recursive_directory_iterator(dir)) {
    if (entry.is_regular_file()) {
      paths.push_back(entry.path().lexically_relative(dir).generic_string());
    }
  }
  std::sort(paths.begin(), paths.end());
  std::string text;
  for (const auto& path : paths) {
    if (path != "MANIFEST") {
      const auto found = known.find(path);
      text += (found == known.end() ? sha256_file(dir / path) : found->second) + " " + std::to_string(fs::file_size(dir / path)) + " " + path + "\n";
    }
  }
  write_file_atomic(dir / "MANIFEST", text);
  return sha256_hex(text);
}

std::vector<ManifestEntry> read_manifest(const fs::path& dir) {
  std::istringstream lines(read_file(dir / "MANIFEST", uint64_t{1} << 28));
  std::vector<ManifestEntry> entries;
  std::string line;
  while (std::getline(lines, line)) {
    ManifestEntry entry;
    std::istringstream fields(line);
    fields >> entry.sha256 >> entry.bytes;
    fields.get();
    std::getline(fields, entry.path);
    if (entry.sha256.size() != 64 || entry.path.empty() || entry.path[0] == '/' ||
        entry.path.find("..") != std::string::npos) {
      throw Error(ErrorKind::kInput, "is not a valid MANIFEST", (dir / "MANIFEST").string());
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::string verify_manifest(const fs::path& dir, uint64_t hash_bytes) {
  std::vector<ManifestEntry> entries = read_manifest(dir);
  std::stable_sort(entries.begin(), entries.end(),
                   [](const ManifestEntry& a, const ManifestEntry& b) { return a.bytes < b.bytes; });
  for (const auto& entry : entries) {
    const fs::path path = dir / entry.path;
    std::error_code code;
    const uint64_t bytes = fs::file_size(path, code);
    if (code) {
      return entry.path + " is missing";
    }
    if (bytes != entry.bytes) {
      return entry.path + " has " + std::to_string(bytes) + " bytes, not " + std::to_string(entry.bytes);
    }
    if (bytes > hash_bytes) {
      hash_bytes = 0;  // sizes alone from here on
      continue;
    }
    hash_bytes -= bytes;
    if (sha256_file(path) != entry.sha256) {
      return entry.path + " has other bytes than when it was written";
    }
  }
  return "";
}

std::string manifest_digest(const fs::path& dir) {
  return sha256_hex(read_file(dir / "MANIFEST", uint64_t{1} << 28));
}

}  // namespace athanor
