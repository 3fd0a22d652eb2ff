#include "athanor/data/readers/series_rows.h"

#include <nlohmann/json.hpp>

namespace athanor {

namespace {

constexpr size_t kMaxRows = 1 << 22;  // of one series

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (const auto& field : fields) {
    line += (line.empty() ? "" : ",") + (field.find_first_of(",\n\"") == std::string::npos ? field : "");
  }
  return line + "\n";
}

}  // namespace

void SeriesRows::add(const std::vector<std::string>& header, const std::vector<std::string>& fields, uint64_t begin,
                     uint64_t end) {
  if (held_.size() >= kMaxRows) {
    rows_.reject("document too large", held_.front().begin, "a series of more than 4,194,304 rows");
    held_.clear();
  }
  held_.push_back({fields, begin, end});
  if (cut_.rows < 0) {
    return;
  }
  const auto wanted = static_cast<size_t>(cut_.rows + cut_.ahead);
  if (held_.size() < wanted) {
    return;
  }
  if (until_next_ == 0) {
    emit(header, static_cast<size_t>(cut_.rows), held_.back());
    until_next_ = static_cast<uint64_t>(cut_.stride);
  }
  --until_next_;
  held_.pop_front();
}

void SeriesRows::finish(const std::vector<std::string>& header) {
  if (cut_.rows < 0 && !held_.empty()) {
    emit(header, held_.size(), held_.back());
  }
  held_.clear();
}

void SeriesRows::emit(const std::vector<std::string>& header, size_t count, const Row& about) {
  std::string text = csv_line(header);
  for (size_t i = 0; i < count; ++i) {
    text += csv_line(held_[i].fields);
  }
  nlohmann::ordered_json meta = nlohmann::ordered_json::object();
  for (size_t i = 0; i < header.size(); ++i) {
    meta[header[i]] = about.fields[i];
  }
  rows_.accept(std::move(text), held_.front().begin, held_[count - 1].end, meta.dump());
}

}  // namespace athanor
