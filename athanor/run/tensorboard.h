// TensorBoard event files, without TensorFlow. Format: tensorflow/core/lib/io/record_writer (u64 length,
// masked CRC-32C of it, payload, masked CRC-32C of the payload; little endian) around tensorboard's
// event.proto.
//
//   TensorBoardWriter writer(run_dir / "tensorboard", unix_seconds);
//   writer.scalar("train/loss", step, loss, unix_seconds);
//
// A file cut off at any byte is still read by TensorBoard up to its last whole record.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "athanor/base/file.h"

namespace athanor {

class TensorBoardWriter {
 public:
  // Creates dir/events.out.tfevents.<10 digits of the time>.<host>.<pid>, appending where it exists already.
  // Throws Error(kResource) when it cannot be written.
  TensorBoardWriter(const fs::path& dir, double wall_time_seconds);

  void scalar(const std::string& tag, int64_t step, double value, double wall_time_seconds);
  // Shown in the "text" tab as Markdown; invalid UTF-8 is replaced. The time is that of the last event.
  void text(const std::string& tag, int64_t step, const std::string& markdown);
  void flush();
  void close();
  const fs::path& path() const { return path_; }

 private:
  void record(std::string_view event);

  fs::path path_;
  double last_time_;
  FileWriter file_;
};

// The scalars of one event of events.jsonl: every numeric field of {"type":"step","step":7,"loss":3.2} as train/<field>, of
// type "eval" as valid/<field>; fields inside objects get joined names (train/parts/aux). A "watch" gives
// weight/<parameter>, gradient/<parameter>, ratio/<parameter> and activation/<layer>/<field>. Other types have none.
void each_scalar(const nlohmann::json& event, const std::function<void(const std::string& tag, double value)>& visit);

struct TensorBoardRebuild {
  fs::path path;        // the file that was written
  uint64_t events = 0;  // lines of type "step", "eval" or "watch" that were used
  uint64_t scalars = 0;
  uint64_t superseded = 0;  // lines of a step that a later line (a resumed run) gives again
  uint64_t bad_lines = 0;   // not a JSON object, longer than 1 MiB, or a step that is no whole number
};

// Rebuilds one event file from a run's events.jsonl, in the order of steps; the last line of a step and type wins. Its scalars
// are those of each_scalar; "t" (Unix seconds) is the wall time, else the given one. The event files that stood in dir before
// are removed.
TensorBoardRebuild rebuild_tensorboard(const fs::path& events_jsonl, const fs::path& dir,
                                       double wall_time_seconds);

}  // namespace athanor
