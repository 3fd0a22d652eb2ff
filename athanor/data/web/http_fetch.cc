#include "athanor/data/web/http_fetch.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "athanor/base/error.h"
#include "athanor/base/hash.h"

namespace athanor {

namespace {

using Json = nlohmann::json;
constexpr long kMaxRedirects = 5;

struct CacheFiles {
  fs::path data, data_info, part, part_info;
};

// A small JSON object that we wrote; empty when it is missing or broken.
std::map<std::string, std::string> read_info(const fs::path& path) {
  std::map<std::string, std::string> info;
  std::error_code code;
  if (!fs::is_regular_file(path, code)) {
    return info;
  }
  const Json json = Json::parse(read_file(path, 1 << 20), nullptr, false);
  if (json.is_object()) {
    for (const auto& [key, value] : json.items()) {
      if (value.is_string()) {
        info[key] = value.get<std::string>();
      }
    }
  }
  return info;
}

void remove_file(const fs::path& path) {
  std::error_code code;
  fs::remove(path, code);
}

uint64_t size_of_file(const fs::path& path) {
  std::error_code code;
  const auto size = fs::file_size(path, code);
  return code ? 0 : size;
}

enum class Outcome { kDone, kRetry, kFailed, kTooLarge };

// One request. Its callbacks run inside curl, so an exception is kept and thrown after.
class Transfer {
 public:
  Transfer(const std::string& url, const CacheFiles& files, const HttpOptions& options)
      : url_(url), files_(files), options_(options) {}

  Outcome run();
  const std::string& reason() const { return reason_; }
  int status() const { return status_; }
  std::string header(const std::string& name) const {
    const auto found = headers_.find(name);
    return found == headers_.end() ? "" : found->second;
  }

 private:
  static size_t on_header(char* data, size_t, size_t size, void* self) {
    static_cast<Transfer*>(self)->add_header({data, size});
    return size;
  }
  static size_t on_body(char* data, size_t, size_t size, void* self) {
    return static_cast<Transfer*>(self)->add_body({data, size}) ? size : 0;
  }
  void add_header(std::string_view line);
  bool add_body(std::string_view bytes);
  bool begin_body();
  Outcome judge(CURLcode code);

  const std::string& url_;
  const CacheFiles& files_;
  const HttpOptions& options_;
  CURL* curl_ = nullptr;
  std::map<std::string, std::string> headers_;  // of the last response, lower-case names
  uint64_t resume_at_ = 0;
  std::optional<FileWriter> writer_;
  bool body_begun_ = false;
  bool write_body_ = false;
  bool too_large_ = false;
  std::exception_ptr failed_;
  std::string reason_;
  int status_ = 0;
};

void Transfer::add_header(std::string_view line) {
  if (line.starts_with("HTTP/")) {
    headers_.clear();  // a redirect's headers are not the file's
    return;
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) {
    return;
  }
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const size_t begin = line.find_first_not_of(" \t", colon + 1);
  const size_t end = line.find_last_not_of(" \t\r\n");
  headers_[name] = begin == std::string_view::npos || end < begin ? "" : std::string(line.substr(begin, end - begin + 1));
}

// False: the answer's body is not for the file.
bool Transfer::begin_body() {
  long status = 0;
  curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
  if (status != 200 && status != 206) {
    return false;
  }
  const bool resumes = status == 206 && resume_at_ > 0 &&
                       header("content-range").starts_with("bytes " + std::to_string(resume_at_) + "-");
  if (status == 206 && !resumes) {
    return false;
  }
  if (!resumes) {
    resume_at_ = 0;
  }
  writer_.emplace(files_.part, resumes ? FileWriter::Mode::kAppend : FileWriter::Mode::kTruncate);
  const Json info = {{"etag", header("etag")}, {"last_modified", header("last-modified")}};
  write_file_atomic(files_.part_info, info.dump(-1, ' ', false, Json::error_handler_t::replace));
  return true;
}

bool Transfer::add_body(std::string_view bytes) {
  try {
    if (!body_begun_) {
      body_begun_ = true;
      write_body_ = begin_body();
      curl_off_t length = -1;
      curl_easy_getinfo(curl_, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
      too_large_ = write_body_ && length > 0 && static_cast<uint64_t>(length) + resume_at_ > options_.max_bytes;
    }
    if (!write_body_) {
      return true;
    }
    too_large_ = too_large_ || writer_->size() + bytes.size() > options_.max_bytes;
    if (too_large_) {
      return false;
    }
    writer_->write(bytes);
    if (options_.on_progress) {
      curl_off_t length = -1;
      curl_easy_getinfo(curl_, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
      options_.on_progress(writer_->size(), length > 0 ? resume_at_ + static_cast<uint64_t>(length) : 0);
    }
    return true;
  } catch (...) {
    failed_ = std::current_exception();
    return false;
  }
}

Outcome Transfer::judge(CURLcode code) {
  long status = 0;
  curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
  status_ = static_cast<int>(status);
  if (failed_) {
    std::rethrow_exception(failed_);
  }
  if (too_large_) {
    return Outcome::kTooLarge;
  }
  if (code != CURLE_OK) {
    reason_ = curl_easy_strerror(code);
    switch (code) {
      case CURLE_COULDNT_RESOLVE_HOST:
      case CURLE_COULDNT_CONNECT:
      case CURLE_OPERATION_TIMEDOUT:
      case CURLE_PARTIAL_FILE:
      case CURLE_RECV_ERROR:
      case CURLE_SEND_ERROR:
      case CURLE_GOT_NOTHING:
      case CURLE_HTTP2:
      case CURLE_HTTP2_STREAM:
        return Outcome::kRetry;
      default:
        return Outcome::kFailed;
    }
  }
  if (write_body_) {
    return Outcome::kDone;
  }
  if (status == 200 && !body_begun_) {  // an empty file
    begin_body();
    writer_->close();
    return Outcome::kDone;
  }
  reason_ = "HTTP status " + std::to_string(status);
  if (status == 416 || status == 206) {  // what we hold is not the beginning of what the server has
    remove_file(files_.part);
    return Outcome::kRetry;
  }
  return status >= 500 || status == 408 || status == 429 ? Outcome::kRetry : Outcome::kFailed;
}

Outcome Transfer::run() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::unique_ptr<CURL, void (*)(CURL*)> handle(curl_easy_init(), &curl_easy_cleanup);
  if (started != CURLE_OK || handle == nullptr) {
    throw Error(ErrorKind::kResource, "libcurl cannot start");
  }
  curl_ = handle.get();
  curl_slist* headers = nullptr;
  auto info = read_info(files_.part_info);
  const std::string validator =
      !info["etag"].empty() && !info["etag"].starts_with("W/") ? info["etag"] : info["last_modified"];
  resume_at_ = validator.empty() ? 0 : size_of_file(files_.part);
  if (resume_at_ > 0) {
    headers = curl_slist_append(headers, ("If-Range: " + validator).c_str());
    curl_easy_setopt(curl_, CURLOPT_RANGE, (std::to_string(resume_at_) + "-").c_str());
  }
  const std::unique_ptr<curl_slist, void (*)(curl_slist*)> free_headers(headers, &curl_slist_free_all);
  curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl_, CURLOPT_URL, url_.c_str());
  curl_easy_setopt(curl_, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl_, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl_, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl_, CURLOPT_MAXREDIRS, kMaxRedirects);
  curl_easy_setopt(curl_, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(curl_, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl_, CURLOPT_USERAGENT, options_.user_agent.c_str());
  curl_easy_setopt(curl_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout_seconds * 1000));
  curl_easy_setopt(curl_, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl_, CURLOPT_LOW_SPEED_TIME, std::max(1L, static_cast<long>(options_.stall_timeout_seconds)));
  curl_easy_setopt(curl_, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  curl_easy_setopt(curl_, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  curl_easy_setopt(curl_, CURLOPT_WRITEDATA, this);
  const CURLcode code = curl_easy_perform(curl_);
  if (writer_) {
    writer_->sync();
    writer_->close();
  }
  return judge(code);
}

std::optional<HttpFile> from_cache(const CacheFiles& files) {
  auto info = read_info(files.data_info);
  if (info["sha256"].empty() || sha256_file(files.data) != info["sha256"]) {
    return std::nullopt;
  }
  return HttpFile{files.data, info["sha256"], size_of_file(files.data), info["content_type"]};
}

CacheFiles files_of(const std::string& key, const fs::path& cache_dir) {
  const std::string stem = (cache_dir / "http" / sha256_hex(key).substr(0, 32)).string();
  return {stem + ".data", stem + ".json", stem + ".part", stem + ".part.json"};
}

HttpFile keep(const std::string& url, const std::string& key, const CacheFiles& files, const Transfer& transfer) {
  HttpFile file{files.data, sha256_file(files.part), size_of_file(files.part), transfer.header("content-type")};
  fs::rename(files.part, files.data);
  const Json info = {{"url", url}, {"key", key}, {"sha256", file.sha256}, {"content_type", file.content_type}};
  write_file_atomic(files.data_info, info.dump(1, ' ', false, Json::error_handler_t::replace));
  remove_file(files.part_info);
  return file;
}

}  // namespace

std::optional<HttpFile> cached_http(const std::string& key, const fs::path& cache_dir) {
  const CacheFiles files = files_of(key, cache_dir);
  std::error_code code;
  return fs::is_regular_file(files.data, code) ? from_cache(files) : std::nullopt;
}

HttpResult try_fetch_http(const std::string& url, const std::string& key, const fs::path& cache_dir,
                          const HttpOptions& options) {
  HttpResult result;
  if (options.use_cache && (result.file = cached_http(key, cache_dir))) {
    return result;
  }
  const CacheFiles files = files_of(key, cache_dir);
  make_dirs(files.data.parent_path());
  double pause = options.backoff_seconds;
  for (int attempt = 1; attempt <= options.num_tries; ++attempt) {
    Transfer transfer(url, files, options);
    const Outcome outcome = transfer.run();
    result.status = transfer.status();
    result.reason = transfer.reason();
    if (outcome == Outcome::kDone) {
      result.file = keep(url, key, files, transfer);
      return result;
    }
    if (outcome == Outcome::kTooLarge) {
      remove_file(files.part);
      result.too_large = true;
      result.reason = "is larger than the limit of " + std::to_string(options.max_bytes) + " bytes";
      return result;
    }
    if (outcome == Outcome::kFailed) {
      return result;
    }
    if (attempt < options.num_tries) {
      std::this_thread::sleep_for(std::chrono::duration<double>(pause));
      pause *= 2;
    }
  }
  result.tried_all = true;
  return result;
}

HttpFile fetch_http(const std::string& url, const std::string& key, const fs::path& cache_dir,
                    const HttpOptions& options) {
  HttpResult result = try_fetch_http(url, key, cache_dir, options);
  if (result.file) {
    return std::move(*result.file);
  }
  if (result.too_large) {
    throw Error(ErrorKind::kInput, result.reason, url, "raise max_download_bytes if this is what you want");
  }
  if (!result.tried_all) {
    throw Error(ErrorKind::kInput, "cannot download: " + result.reason, url, "check the address");
  }
  throw Error(ErrorKind::kInput,
              "cannot download after " + std::to_string(options.num_tries) + " tries: " + result.reason, url,
              "run the same command again: it continues where it stopped; or download the file and give its path");
}

}  // namespace athanor
