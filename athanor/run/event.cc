#include "athanor/run/event.h"

#include <cerrno>
#include <cmath>
#include <cstring>

#include "athanor/base/error.h"
#include "athanor/base/text.h"

namespace athanor {

EventLog::EventLog(const fs::path& path) : path_(path) {
  std::error_code code;
  if (fs::exists(path, code) && fs::file_size(path) > 0) {
    uint64_t end = 0;
    {
      const MappedFile file(path);
      const size_t last = file.text().rfind('\n');
      end = last == std::string_view::npos ? 0 : last + 1;
    }
    fs::resize_file(path, end);
  }
  file_ = std::make_unique<FileWriter>(path, FileWriter::Mode::kAppend);
}

void EventLog::emit(const std::string& type, nlohmann::json fields) {
  fields["t"] = std::round(unix_time() * 1000) / 1000;
  fields["type"] = type;
  file_->write(fields.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  file_->flush();
  if (listener_) {
    listener_(fields);
  }
}

uint64_t EventLog::position() {
  file_->flush();
  return file_->size();
}

void EventLog::truncate(uint64_t position) {
  file_->close();
  std::error_code code;
  if (position < fs::file_size(path_)) {
    fs::resize_file(path_, position, code);
  }
  if (code) {
    throw Error(ErrorKind::kResource, "cannot cut the event log: " + code.message(), path_.string());
  }
  file_ = std::make_unique<FileWriter>(path_, FileWriter::Mode::kAppend);
}

uint64_t read_events(const fs::path& path, const std::function<void(const nlohmann::json&)>& fn) {
  std::error_code code;
  if (!fs::exists(path, code)) {
    return 0;
  }
  const MappedFile file(path);
  std::string_view text = file.text();
  uint64_t unreadable = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const auto event = nlohmann::json::parse(text.substr(0, end), nullptr, false);
    if (event.is_object()) {
      fn(event);
    } else {
      ++unreadable;
    }
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return unreadable;
}

}  // namespace athanor
