// events.jsonl: what happened in a run, one JSON object a line, append-only. See docs/formats/events.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "athanor/base/file.h"

namespace athanor {

class EventLog {
 public:
  // Opens for appending; a torn last line (a kill in the middle of a write) is cut off.
  explicit EventLog(const fs::path& path);

  // Adds {"t": unix seconds, "type": type, ...fields}. Reaches the kernel before it returns.
  void emit(const std::string& type, nlohmann::json fields = nlohmann::json::object());

  // The file's size now: what a checkpoint stores.
  uint64_t position();

  // Cuts the log back to a position that a checkpoint stored, so that repeated steps are not told twice.
  void truncate(uint64_t position);

  // Called with each event after it was written (live views, TensorBoard).
  void on_event(std::function<void(const nlohmann::json&)> listener) { listener_ = std::move(listener); }

 private:
  fs::path path_;
  std::unique_ptr<FileWriter> file_;
  std::function<void(const nlohmann::json&)> listener_;
};

// Calls fn for each event of the file, in order; unreadable lines are skipped and counted in the result.
uint64_t read_events(const fs::path& path, const std::function<void(const nlohmann::json&)>& fn);

}  // namespace athanor
