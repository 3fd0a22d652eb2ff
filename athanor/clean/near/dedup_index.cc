// The folder of an index: index.json over the part files.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "athanor/base/error.h"
#include "athanor/clean/near/signed_part.h"

namespace athanor {

namespace {

constexpr char kIndexName[] = "index.json";
constexpr int kIndexVersion = 1;
constexpr size_t kMaxParts = 1 << 24;

[[noreturn]] void refuse(const std::string& what, const fs::path& path) {
  throw Error(ErrorKind::kInput, what, path.string(), "give the folder of a dedup run that had save_index: true");
}

bool plain_name(const std::string& name) {
  return !name.empty() && name[0] != '.' && name.find('/') == std::string::npos;
}

nlohmann::json parsed(const std::string& text, const fs::path& path) {
  nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) {
    refuse("is not a JSON object", path);
  }
  return json;
}

// The first of our fields that the index was made with another value of.
std::string difference(const nlohmann::json& ours, const nlohmann::json& theirs) {
  for (const auto& [name, value] : ours.items()) {
    const nlohmann::json other = theirs.contains(name) ? theirs[name] : nlohmann::json();
    if (other != value) {
      return name + " is " + value.dump() + " here and " + other.dump() + " in the index";
    }
  }
  return "";
}

}  // namespace

std::vector<fs::path> open_dedup_index(const fs::path& folder, const std::string& signature) {
  const fs::path path = folder / kIndexName;
  std::error_code code;
  if (!fs::exists(path, code)) {
    refuse("there is no dedup index here", folder);
  }
  const nlohmann::json json = parsed(read_file(path, uint64_t{1} << 28), path);
  if (json.value("version", nlohmann::json()) != kIndexVersion) {
    refuse("is of a version that this program does not read", path);
  }
  if (!json.contains("parts") || !json["parts"].is_array() || json["parts"].size() > kMaxParts ||
      !json.contains("signature")) {
    refuse("lacks its list of parts", path);
  }
  const std::string differs = difference(nlohmann::json::parse(signature), json["signature"]);
  if (!differs.empty()) {
    throw Error(ErrorKind::kUsage, "the index was made with other options: " + differs, path.string(),
                "give the options of the index, or make it again");
  }
  std::vector<fs::path> parts;
  for (const nlohmann::json& name : json["parts"]) {
    if (!name.is_string() || !plain_name(name.get<std::string>())) {
      refuse("names a part that is no file beside it", path);
    }
    parts.push_back(folder / name.get<std::string>());
    const SignedPart part(parts.back(), false);
    if (part.signature() != signature) {
      refuse("holds a part that was signed with other options", parts.back());
    }
    part.verify();
  }
  return parts;
}

void copy_rows(const SignedPart& part, const std::function<bool(uint64_t row)>& keep, SignedPartWriter& writer) {
  constexpr uint64_t kRowsAtOnce = 4096;
  std::vector<std::vector<uint64_t>> keys(part.num_keys());
  std::vector<uint64_t> row_keys(part.num_keys());
  std::vector<uint32_t> shingles;
  for (uint64_t first = 0; first < part.num_rows(); first += kRowsAtOnce) {
    const uint64_t count = std::min(kRowsAtOnce, part.num_rows() - first);
    const std::vector<TextDigest> digests = part.digests(first, count);
    const std::vector<RowRank> ranks = part.ranks(first, count);
    const std::vector<std::string> ids = part.ids(first, count);
    for (size_t key = 0; key < keys.size(); ++key) {
      keys[key] = part.keys(key, first, count);
    }
    for (size_t i = 0; i < count; ++i) {
      if (keep(first + i)) {
        for (size_t key = 0; key < keys.size(); ++key) {
          row_keys[key] = keys[key][i];
        }
        part.shingles(first + i, shingles);
        writer.add({digests[i], ranks[i], row_keys, shingles, ids[i]});
      }
    }
  }
}

void write_dedup_index(const fs::path& folder, const std::vector<std::string>& names, const std::string& signature,
                       uint64_t num_rows) {
  const nlohmann::json json{{"version", kIndexVersion},
                            {"num_rows", num_rows},
                            {"signature", nlohmann::json::parse(signature)},
                            {"parts", names}};
  write_file_atomic(folder / kIndexName, json.dump(2) + "\n");
}

}  // namespace athanor
