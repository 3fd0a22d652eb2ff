// Sources of kind npm: the registry is asked by the machine's own npm client, so its settings (registry, proxy,
// credentials) hold. No install scripts are run; the tarball's SHA-512 is compared with the registry's.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>

#include "athanor/base/error.h"
#include "athanor/base/hash.h"
#include "athanor/base/process.h"
#include "athanor/data/containers/tar.h"
#include "athanor/data/sources/source_kinds.h"

namespace athanor {

namespace {

using Json = nlohmann::json;
const char* const kHint = "give source=PATH to use your own texts (a file, folder or glob)";
constexpr uint64_t kMaxTarballBytes = uint64_t{4} << 30;

struct NpmSpec {
  std::string name, version, pattern;
};

// npm:[@scope/]name[@version][/pattern]
NpmSpec parse_npm(const std::string& spec) {
  const std::string rest = spec.substr(4);
  const size_t scope_end = rest.starts_with('@') ? rest.find('/') : 0;
  const auto bad = [&](const std::string& what) -> Error {
    return Error(ErrorKind::kUsage, what, spec, "write npm:NAME@VERSION/PATH, for example npm:@scope/name@1.2.3/data/*.txt");
  };
  if (scope_end == std::string::npos) {
    throw bad("a scope without a package name");
  }
  const size_t name_end = std::min(rest.find_first_of("@/", scope_end + 1), rest.size());
  NpmSpec npm;
  npm.name = rest.substr(0, name_end);
  const std::string allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~@/";
  if (npm.name.empty() || npm.name[0] == '-' || npm.name[0] == '.' ||
      npm.name.find_first_not_of(allowed) != std::string::npos) {
    throw bad("'" + npm.name + "' is not a package name");
  }
  size_t at = name_end;
  if (at < rest.size() && rest[at] == '@') {
    const size_t version_end = std::min(rest.find('/', at), rest.size());
    npm.version = rest.substr(at + 1, version_end - at - 1);
    at = version_end;
  }
  npm.pattern = at < rest.size() ? rest.substr(at + 1) : "";
  return npm;
}

// MAJOR.MINOR.PATCH with an optional -pre or +build part.
bool is_exact(const std::string& version) {
  size_t at = 0;
  for (int part = 0; part < 3; ++part) {
    const size_t begin = at;
    while (at < version.size() && version[at] >= '0' && version[at] <= '9') {
      ++at;
    }
    if (at == begin || (part < 2 && (at == version.size() || version[at++] != '.'))) {
      return false;
    }
  }
  const std::string letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.+";
  return at == version.size() || ((version[at] == '-' || version[at] == '+') && at + 1 < version.size() &&
                                  version.find_first_not_of(letters, at) == std::string::npos);
}

// npm's own reason in one line: from its JSON error, else from what it printed.
std::string npm_reason(const ProcessResult& result) {
  const Json json = Json::parse(result.out, nullptr, false);
  if (json.is_object() && json.contains("error") && json["error"].is_object()) {
    const std::string summary = json["error"].value("summary", std::string());
    if (!summary.empty()) {
      return json["error"].value("code", std::string("error")) + ": " + summary.substr(0, summary.find('\n'));
    }
  }
  std::string last = "exit code " + std::to_string(result.exit_code);
  size_t at = 0;
  while (at < result.err.size()) {
    const size_t end = std::min(result.err.find('\n', at), result.err.size());
    const std::string line = result.err.substr(at, end - at);
    if (line.find("rror") != std::string::npos || line.find("ERR!") != std::string::npos) {
      return line;
    }
    at = end + 1;
  }
  return last;
}

class TemporaryFolder {
 public:
  explicit TemporaryFolder(const fs::path& parent)
      : path_(parent / ("tmp-" + std::to_string(::getpid()) + "-" + std::to_string(next_number()))) {
    remove();
    make_dirs(path_);
  }
  ~TemporaryFolder() { remove(); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  static uint64_t next_number() {
    static std::atomic<uint64_t> number{0};  // several packages may be read at once
    return number++;
  }
  void remove() {
    std::error_code code;
    fs::remove_all(path_, code);
  }
  fs::path path_;
};

// Runs npm in an empty folder and gives its JSON answer.
Json run_npm(std::vector<std::string> arguments, const std::string& where, const fs::path& cwd,
             const SourceContext& context) {
  if (find_program("npm").empty()) {
    throw Error(ErrorKind::kInput, "needs the npm client, and there is no npm on PATH", where,
                std::string("install npm, or ") + kHint);
  }
  arguments.insert(arguments.begin(), "npm");
  ProcessOptions options;
  options.cwd = cwd;
  options.timeout_seconds = context.npm_timeout_seconds;
  const ProcessResult result = run_process(arguments, options);
  if (result.timed_out) {
    throw Error(ErrorKind::kInput, "npm gave no answer in " + std::to_string(static_cast<int>(options.timeout_seconds)) +
                                       " seconds", where, kHint);
  }
  const Json json = Json::parse(result.out, nullptr, false);
  if (result.exit_code != 0 || json.is_discarded()) {
    throw Error(ErrorKind::kInput, "npm cannot get it (" + npm_reason(result) + ")", where, kHint);
  }
  return json;
}

fs::path index_file(const SourceContext& context, const std::string& package) {
  return context.cache_dir / "npm" / (sha256_hex(package).substr(0, 32) + ".json");
}

fs::path tarball_file(const SourceContext& context, const std::string& integrity) {
  return context.cache_dir / "npm" / (sha256_hex(integrity).substr(0, 32) + ".tgz");
}

std::string integrity_of(const fs::path& path) { return "sha512-" + sha512_base64(read_file(path, kMaxTarballBytes)); }

// An integrity string may hold several digests.
std::string pick_sha512(const std::string& integrity) {
  size_t at = 0;
  while (at < integrity.size()) {
    const size_t end = std::min(integrity.find(' ', at), integrity.size());
    if (integrity.compare(at, 7, "sha512-") == 0) {
      return integrity.substr(at, end - at);
    }
    at = end + 1;
  }
  return "";
}

struct Tarball {
  fs::path path;
  std::string integrity;
};

std::optional<Tarball> from_cache(const SourceContext& context, const std::string& package) {
  const fs::path index = index_file(context, package);
  std::error_code code;
  if (!fs::is_regular_file(index, code)) {
    return std::nullopt;
  }
  const Json json = Json::parse(read_file(index, 1 << 20), nullptr, false);
  if (!json.is_object() || json.value("package", std::string()) != package) {
    return std::nullopt;
  }
  const std::string integrity = json.value("integrity", std::string());
  const fs::path path = tarball_file(context, integrity);
  if (!fs::is_regular_file(path, code) || integrity_of(path) != integrity) {
    return std::nullopt;
  }
  return Tarball{path, integrity};
}

Tarball get_tarball(const SourceContext& context, const std::string& package, const std::string& where) {
  if (auto cached = from_cache(context, package)) {
    return *cached;
  }
  const TemporaryFolder folder(context.cache_dir / "npm");
  Json dist = run_npm({"view", package, "dist", "--json"}, where, folder.path(), context);
  if (dist.is_array() && !dist.empty()) {
    dist = dist.back();
  }
  const std::string integrity =
      dist.is_object() ? pick_sha512(dist.value("integrity", std::string())) : std::string();
  if (integrity.empty()) {
    throw Error(ErrorKind::kInput, "npm names no sha512 integrity for it", where, kHint);
  }
  const fs::path out = folder.path() / "out";
  make_dirs(out);
  run_npm({"pack", package, "--ignore-scripts", "--json", "--pack-destination", fs::absolute(out).string()}, where,
          folder.path(), context);
  std::vector<fs::path> packed;
  for (const auto& entry : fs::directory_iterator(out)) {
    if (entry.is_regular_file() && entry.path().extension() == ".tgz") {
      packed.push_back(entry.path());
    }
  }
  if (packed.size() != 1) {
    throw Error(ErrorKind::kInput, "npm pack left " + std::to_string(packed.size()) + " tarballs, not one", where,
                kHint);
  }
  const std::string found = integrity_of(packed[0]);
  if (found != integrity) {
    throw Error(ErrorKind::kInput,
                "the tarball is not the one that the registry names: expected " + integrity + ", got " + found, where,
                "try again; if it stays so, do not use this package. Or " + std::string(kHint));
  }
  const Tarball tarball{tarball_file(context, integrity), integrity};
  fsync_path(packed[0]);
  fs::rename(packed[0], tarball.path);
  write_file_atomic(index_file(context, package), Json{{"package", package}, {"integrity", integrity}}.dump(1));
  return tarball;
}

// Parquet is read from a path, so such a member is first copied beside the cache.
void read_member(TarReader& tar, const TarMember& member, const std::string& source, const Reader& reader,
                 const ReadOptions& options, const fs::path& cache_dir, const ReadSink& sink) {
  if (reader.kind == Reader::Kind::kStream) {
    const auto stream = decoded_stream(tar.open_member());
    reader.read({source, stream.get(), {}}, options, sink);
    return;
  }
  const TemporaryFolder folder(cache_dir / "npm");
  const fs::path path = folder.path() / "member";
  FileWriter writer(path);
  const auto bytes = tar.open_member();
  std::string block(1 << 16, '\0');
  while (const size_t n = bytes->read(block.data(), block.size())) {
    writer.write(std::string_view(block).substr(0, n));
  }
  writer.close();
  if (writer.size() != member.bytes) {
    sink.on_rejected({"truncated tar", source, writer.size(), ""});
    return;
  }
  reader.read({source, nullptr, path}, options, sink);
}

}  // namespace

ResolvedSource resolve_npm(const SourceSpec& spec, SourceContext& context) {
  const NpmSpec npm = parse_npm(spec.spec);
  ResolvedSource source;
  source.kind = SourceKind::kNpm;
  source.spec = spec;
  source.npm_name = npm.name;
  source.npm_version = npm.version;
  source.npm_pattern = npm.pattern;
  if (!is_exact(npm.version)) {
    const TemporaryFolder folder(context.cache_dir / "npm");
    const std::string range = npm.version.empty() ? npm.name : npm.name + "@" + npm.version;
    Json version = run_npm({"view", range, "version", "--json"}, spec.spec, folder.path(), context);
    if (version.is_array() && !version.empty()) {
      version = version.back();  // npm lists them from old to new
    }
    if (!version.is_string() || !is_exact(version.get<std::string>())) {
      throw Error(ErrorKind::kInput, "npm knows no version of it", spec.spec, kHint);
    }
    source.npm_version = version.get<std::string>();
  }
  source.pins.push_back({"npm:" + npm.name + "@" + source.npm_version + "/" + npm.pattern, 0, ""});
  return source;
}

std::vector<SourcePin> read_npm(const ResolvedSource& source, const UnitPlace& from, SourceContext& context,
                                const UnitSink& sink) {
  const std::string package = source.npm_name + "@" + source.npm_version;
  const std::string where = "npm:" + package;
  const Tarball tarball = get_tarball(context, package, where);
  const uint64_t total = fs::file_size(tarball.path);
  const auto stream = open_stream(tarball.path);
  TarReader tar(*stream, tarball.path.string());
  uint64_t num_matched = 0;
  std::string seen;
  const ReadSink rows{sink.on_document, sink.on_rejected, {}, {}, sink.on_skipped, sink.on_note};
  while (const auto member = tar.next()) {
    const size_t slash = member->name.find('/');  // the first folder is npm's own, "package"
    const std::string name = slash == std::string::npos ? member->name : member->name.substr(slash + 1);
    const Reader* reader = find_reader(name);
    if (reader == nullptr || (reader->by_name && !source.spec.read.images) || !match_path(source.npm_pattern, name)) {
      seen += seen.size() < 300 ? (seen.empty() ? "" : ", ") + name : "";
      continue;
    }
    if (num_matched++ < from.file) {
      continue;  // kept already
    }
    if (sink.on_boundary) {
      sink.on_boundary(0, [&] { return UnitPlace{num_matched - 1, 0, "", {}}; });
    }
    read_member(tar, *member, where + "/" + name, *reader, source.spec.read, context.cache_dir, rows);
  }
  if (num_matched == 0) {
    throw Error(ErrorKind::kInput, "no file of the package matches '" + source.npm_pattern + "' and has a reader",
                where, "it holds: " + seen);
  }
  return {{source.pins.at(0).name, total, tarball.integrity}};
}

}  // namespace athanor
