#include "athanor/run/tensorboard.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "athanor/base/error.h"
#include "athanor/base/format_width.h"
#include "athanor/run/tensorboard_crc32c.h"

namespace athanor {

namespace {

constexpr size_t kMaxLineBytes = 1 << 20;
constexpr int kMaxFieldDepth = 4;

void append_little_endian(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) {
    out += static_cast<char>(value >> (8 * i));
  }
}

// --- protobuf wire format: only what an Event needs ---

void append_varint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

void append_int(std::string& out, int field, int64_t value) {
  append_varint(out, static_cast<uint64_t>(field) << 3);
  append_varint(out, static_cast<uint64_t>(value));
}

void append_double(std::string& out, int field, double value) {
  append_varint(out, static_cast<uint64_t>(field) << 3 | 1);
  append_little_endian(out, std::bit_cast<uint64_t>(value), 8);
}

void append_float(std::string& out, int field, float value) {
  append_varint(out, static_cast<uint64_t>(field) << 3 | 5);
  append_little_endian(out, std::bit_cast<uint32_t>(value), 4);
}

void append_bytes(std::string& out, int field, std::string_view value) {
  append_varint(out, static_cast<uint64_t>(field) << 3 | 2);
  append_varint(out, value.size());
  out += value;
}

// Event{wall_time=1, step=2}; proto3 leaves zeros out.
std::string event_head(double wall_time_seconds, int64_t step) {
  std::string out;
  if (wall_time_seconds != 0) {
    append_double(out, 1, wall_time_seconds);
  }
  if (step != 0) {
    append_int(out, 2, step);
  }
  return out;
}

// Event.summary=5 holding one Summary.value=1.
std::string event_with_value(double wall_time_seconds, int64_t step, std::string_view value) {
  std::string summary;
  append_bytes(summary, 1, value);
  std::string event = event_head(wall_time_seconds, step);
  append_bytes(event, 5, summary);
  return event;
}

// Beyond float's range the cast itself would be undefined.
float to_float(double value) {
  if (std::fabs(value) > std::numeric_limits<float>::max()) {
    return std::copysign(std::numeric_limits<float>::infinity(), static_cast<float>(value > 0 ? 1 : -1));
  }
  return static_cast<float>(value);
}

std::string version_event(double wall_time_seconds) {
  std::string event = event_head(wall_time_seconds, 0);
  append_bytes(event, 3, "brain.Event:2");
  return event;
}

std::string scalar_event(std::string_view tag, int64_t step, double value, double wall_time_seconds) {
  std::string entry;
  append_bytes(entry, 1, valid_utf8(tag));
  append_float(entry, 2, to_float(value));
  return event_with_value(wall_time_seconds, step, entry);
}

// Summary.Value{tag=1, tensor=8 {dtype=1 DT_STRING, shape=2 {dim=2 {size=1: 1}}, string_val=8}, metadata=9
// {plugin_data=1 {plugin_name=1 "text"}}}
std::string text_event(std::string_view tag, int64_t step, std::string_view markdown,
                       double wall_time_seconds) {
  constexpr int64_t kTypeString = 7;
  std::string dim, shape, tensor, plugin, metadata, entry;
  append_int(dim, 1, 1);
  append_bytes(shape, 2, dim);
  append_int(tensor, 1, kTypeString);
  append_bytes(tensor, 2, shape);
  append_bytes(tensor, 8, valid_utf8(markdown));
  append_bytes(plugin, 1, "text");
  append_bytes(metadata, 1, plugin);
  append_bytes(entry, 1, valid_utf8(tag));
  append_bytes(entry, 8, tensor);
  append_bytes(entry, 9, metadata);
  return event_with_value(wall_time_seconds, step, entry);
}

std::string framed(std::string_view payload) {
  std::string out;
  append_little_endian(out, payload.size(), 8);
  append_little_endian(out, masked_crc32c(crc32c(out)), 4);
  out += payload;
  append_little_endian(out, masked_crc32c(crc32c(payload)), 4);
  return out;
}

fs::path event_path(const fs::path& dir, double wall_time_seconds) {
  char host[256] = "localhost";
  ::gethostname(host, sizeof host - 1);
  std::string name;
  for (const char* c = host; *c != '\0'; ++c) {
    name += std::isalnum(static_cast<unsigned char>(*c)) != 0 || *c == '.' || *c == '-' ? *c : '_';
  }
  const bool sane = wall_time_seconds >= 0 && wall_time_seconds < 1e10;
  char digits[16];
  std::snprintf(digits, sizeof digits, "%010lld", sane ? static_cast<long long>(wall_time_seconds) : 0LL);
  return dir / ("events.out.tfevents." + std::string(digits) + "." + name + "." + std::to_string(::getpid()));
}

// --- events.jsonl -> scalars ---

// The types that have scalars, in the order in which a step's are written.
constexpr const char* kTypes[] = {"step", "eval", "watch"};

// Which of them, or std::size(kTypes).
size_t type_of(const nlohmann::json& event) {
  const auto type = event.find("type");
  const std::string name = type != event.end() && type->is_string() ? type->get<std::string>() : "";
  return static_cast<size_t>(std::find(std::begin(kTypes), std::end(kTypes), name) - std::begin(kTypes));
}

// Whether the line is an event with scalars; counts what is not readable.
bool read_event(std::string_view text, nlohmann::json& event, uint64_t& bad_lines) {
  event = text.size() > kMaxLineBytes ? nlohmann::json(nlohmann::json::value_t::discarded)
                                      : nlohmann::json::parse(text, nullptr, false);
  if (!event.is_object()) {
    ++bad_lines;
    return false;
  }
  if (type_of(event) == std::size(kTypes)) {
    return false;
  }
  const auto step = event.find("step");
  if (step == event.end() || !step->is_number_integer()) {
    ++bad_lines;
    return false;
  }
  return true;
}

template <typename Visit>
void each_number(const nlohmann::json& object, const std::string& prefix, int depth, const Visit& visit) {
  for (auto it = object.begin(); it != object.end(); ++it) {
    const std::string& name = it.key();
    const nlohmann::json& value = it.value();
    if (depth == 0 && (name == "step" || name == "t")) {
      continue;
    }
    if (value.is_number()) {
      visit(prefix + name, value.get<double>());
    } else if (value.is_object() && depth < kMaxFieldDepth) {
      each_number(value, prefix + name + "/", depth + 1, visit);
    }
  }
}

// TensorBoard merges all files of a folder, so an old one would draw its curve a second time.
void remove_others(const fs::path& dir, const fs::path& keep) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(dir, error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("events.out.tfevents.") && entry.path() != keep) {
      fs::remove(entry.path(), error);
    }
  }
}

}  // namespace

TensorBoardWriter::TensorBoardWriter(const fs::path& dir, double wall_time_seconds)
    : path_(event_path(dir, wall_time_seconds)),
      last_time_(wall_time_seconds),
      file_((make_dirs(dir), path_), FileWriter::Mode::kAppend) {
  if (file_.size() == 0) {
    record(version_event(wall_time_seconds));
  }
}

void TensorBoardWriter::record(std::string_view event) {
  file_.write(framed(event));
}

void TensorBoardWriter::scalar(const std::string& tag, int64_t step, double value, double wall_time_seconds) {
  last_time_ = wall_time_seconds;
  record(scalar_event(tag, step, value, wall_time_seconds));
}

void TensorBoardWriter::text(const std::string& tag, int64_t step, const std::string& markdown) {
  record(text_event(tag, step, markdown, last_time_));
}

void TensorBoardWriter::flush() {
  file_.flush();
}

void TensorBoardWriter::close() {
  file_.close();
}

void each_scalar(const nlohmann::json& event, const std::function<void(const std::string& tag, double value)>& visit) {
  const size_t type = type_of(event);
  if (type < 2) {
    each_number(event, type == 0 ? "train/" : "valid/", 0, visit);
    return;
  }
  if (type == std::size(kTypes)) {
    return;
  }
  if (const auto parameters = event.find("parameters"); parameters != event.end() && parameters->is_object()) {
    for (const auto& [name, parameter] : parameters->items()) {
      for (const char* field : {"weight", "gradient", "ratio"}) {
        if (const auto value = parameter.find(field); value != parameter.end() && value->is_number()) {
          visit(std::string(field) + "/" + name, value->get<double>());
        }
      }
    }
  }
  if (const auto activations = event.find("activations"); activations != event.end() && activations->is_object()) {
    each_number(*activations, "activation/", 1, visit);
  }
}

TensorBoardRebuild rebuild_tensorboard(const fs::path& events_jsonl, const fs::path& dir,
                                       double wall_time_seconds) {
  const MappedFile file(events_jsonl);
  TensorBoardRebuild result;
  result.path = event_path(dir, wall_time_seconds);
  // (step, type) -> the last line that gives it; lines are parsed twice so that a long run stays small in
  // memory.
  std::map<std::pair<int64_t, size_t>, std::string_view> lines;
  nlohmann::json event;
  for (std::string_view rest = file.text(); !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view text = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (text.find_first_not_of(" \t\r") == std::string_view::npos ||
        !read_event(text, event, result.bad_lines)) {
      continue;
    }
    std::string_view& slot = lines[{event["step"].get<int64_t>(), type_of(event)}];
    result.superseded += slot.empty() ? 0 : 1;
    slot = text;
  }
  make_dirs(dir);
  const fs::path partial = dir / "rebuild.tmp";
  {
    FileWriter writer(partial);
    writer.write(framed(version_event(wall_time_seconds)));
    for (const auto& [key, text] : lines) {
      const int64_t step = key.first;
      event = nlohmann::json::parse(text, nullptr, false);
      const auto time = event.find("t");
      const double when = time != event.end() && time->is_number() ? time->get<double>() : wall_time_seconds;
      each_scalar(event, [&](const std::string& tag, double value) {
        writer.write(framed(scalar_event(tag, step, value, when)));
        ++result.scalars;
      });
      ++result.events;
    }
    writer.sync();
    writer.close();
  }
  std::error_code error;
  fs::rename(partial, result.path, error);
  if (error) {
    throw Error(ErrorKind::kResource, "cannot rename: " + error.message(), result.path.string());
  }
  remove_others(dir, result.path);
  return result;
}

}  // namespace athanor
