#include "athanor/data/sources/source.h"

#include <fnmatch.h>

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/data/sources/source_kinds.h"

namespace athanor {

namespace {

const char* const kPathHint = "give source=PATH: a file, a folder or a glob of your own texts";

std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  for (const fs::path& part : fs::path(path)) {
    if (!part.empty() && part != "." && part != "/") {
      parts.push_back(part.string());
    }
  }
  return parts;
}

bool match_parts(std::span<const std::string> pattern, std::span<const std::string> path) {
  if (pattern.empty()) {
    return true;  // the pattern named a folder, or this very file
  }
  if (pattern[0] == "**") {
    for (size_t skip = 0; skip <= path.size(); ++skip) {
      if (match_parts(pattern.subspan(1), path.subspan(skip))) {
        return true;
      }
    }
    return false;
  }
  return !path.empty() && ::fnmatch(pattern[0].c_str(), path[0].c_str(), FNM_PERIOD) == 0 &&
         match_parts(pattern.subspan(1), path.subspan(1));
}

SourceFile make_file(const fs::path& path, const std::string& source) {
  std::error_code code;
  const auto bytes = fs::file_size(path, code);
  if (code) {
    throw Error(ErrorKind::kInput, "cannot read the file: " + code.message(), path.string(), "check the path");
  }
  return {path, source, bytes};
}

// "texts" for "/home/x/texts/", the name that goes into Document::source.
std::string last_part(const fs::path& dir) {
  const fs::path normal = fs::absolute(dir).lexically_normal();
  return normal.has_filename() ? normal.filename().string() : normal.parent_path().filename().string();
}

// Images and archives in a folder of texts are left out unless they are asked for.
bool wanted(const std::string& name, const ReadOptions& options) {
  const Reader* reader = find_reader(name);
  return reader != nullptr && (!reader->by_name || options.images);
}

void add_folder(const fs::path& dir, const std::string& prefix, const ReadOptions& options,
                std::vector<SourceFile>& files) {
  std::error_code code;
  fs::directory_iterator entries(dir, code);
  if (code) {
    throw Error(ErrorKind::kInput, "cannot list the folder: " + code.message(), dir.string(), "check its rights");
  }
  for (const fs::directory_entry& entry : entries) {
    const std::string name = entry.path().filename().string();
    if (name[0] == '.') {
      continue;
    }
    if (entry.is_directory(code) && !entry.is_symlink(code)) {
      add_folder(entry.path(), prefix + name + "/", options, files);
    } else if (entry.is_regular_file(code) && wanted(name, options)) {
      files.push_back(make_file(entry.path(), prefix + name));
    }
  }
}

void add_glob(const std::string& pattern, const ReadOptions& options, std::vector<SourceFile>& files) {
  // The folder before the first wildcard: names are relative to it.
  fs::path fixed;
  for (const fs::path& part : fs::path(pattern)) {
    if (has_glob(part.string())) {
      break;
    }
    fixed /= part;
  }
  const std::string prefix = fixed.empty() ? "" : last_part(fixed) + "/";
  for (const fs::path& path : glob(pattern)) {
    std::error_code code;
    const std::string name =
        prefix + (fixed.empty() ? path : path.lexically_relative(fixed)).generic_string();
    if (fs::is_directory(path, code)) {
      add_folder(path, name + "/", options, files);
    } else if (wanted(name, options) || (find_reader(name) != nullptr && find_reader(pattern) == find_reader(name))) {
      files.push_back(make_file(path, name));
    }
  }
}

ResolvedSource resolve_local(const SourceSpec& spec, SourceContext& context) {
  ResolvedSource source;
  source.spec = spec;
  std::error_code code;
  const fs::path path(spec.spec);
  if (fs::is_directory(path, code)) {
    add_folder(path, last_part(path) + "/", spec.read, source.files);
  } else if (fs::exists(path, code)) {
    if (find_reader(path.filename().string()) == nullptr) {
      read_documents(path, spec.spec, spec.read, {});  // says which extensions there are
    }
    source.files.push_back(make_file(path, path.filename().string()));
  } else if (has_glob(spec.spec)) {
    add_glob(spec.spec, spec.read, source.files);
  } else {
    throw Error(ErrorKind::kInput, "no such file or folder", spec.spec,
                path.is_absolute() ? "check the path" : "check the path, or say data_dir=FOLDER: where relative sources start from");
  }
  if (source.files.empty()) {
    ReadOptions with_images = spec.read;
    with_images.images = true;
    std::vector<SourceFile> pictures;
    if (fs::is_directory(path, code)) {
      add_folder(path, "", with_images, pictures);
    }
    throw Error(ErrorKind::kInput,
                pictures.empty() ? "holds no file that a reader knows"
                                 : "holds pictures or archives alone (" + std::to_string(pictures.size()) + " files)",
                spec.spec, pictures.empty() ? known_extensions() : "images: true takes them");
  }
  std::sort(source.files.begin(), source.files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.source < b.source; });
  source.files.erase(std::unique(source.files.begin(), source.files.end(),
                                 [](const SourceFile& a, const SourceFile& b) { return a.source == b.source; }),
                     source.files.end());
  if (context.digests == nullptr) {
    throw Error(ErrorKind::kInternal, "resolve_source needs a digest cache");
  }
  for (const SourceFile& file : source.files) {
    source.pins.push_back({file.source, file.bytes, "sha256:" + context.digests->file_digest(file.path)});
  }
  return source;
}

}  // namespace

bool match_path(const std::string& pattern, const std::string& path) {
  const std::vector<std::string> pattern_parts = parts_of(pattern), path_parts = parts_of(path);
  return match_parts(pattern_parts, path_parts);
}

ResolvedSource resolve_source(const SourceSpec& spec, SourceContext& context) {
  if (spec.spec.empty()) {
    throw Error(ErrorKind::kUsage, "a source without a name", "source", kPathHint);
  }
  if (spec.spec.starts_with("npm:")) {
    return resolve_npm(spec, context);
  }
  if (spec.spec.starts_with("http://") || spec.spec.starts_with("https://")) {
    return resolve_http(spec);
  }
  if (spec.spec.starts_with("urls:")) {
    return resolve_urls(spec, context);
  }
  if (spec.spec.starts_with("sqlite:") || spec.spec.starts_with("postgres:") ||
      spec.spec.starts_with("postgresql:")) {
    return resolve_sql(spec, context);
  }
  const size_t colon = spec.spec.find("://");
  if (colon != std::string::npos) {
    throw Error(ErrorKind::kUsage, "'" + spec.spec.substr(0, colon) + "' is no kind of source", spec.spec,
                "known: a path, npm:NAME@VERSION/PATH, http://, https://, urls:FILE, sqlite:PATH, postgres:CONNECTION");
  }
  return resolve_local(spec, context);
}

}  // namespace athanor
