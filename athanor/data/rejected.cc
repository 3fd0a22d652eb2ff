#include "athanor/data/rejected.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"

namespace athanor {

namespace {

constexpr const char* kFileName = "rejected.jsonl";

std::string percent(double fraction) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g %%", 100.0 * fraction);
  return text;
}

}  // namespace

RejectLog::RejectLog(fs::path dir) : dir_(std::move(dir)) {}
RejectLog::~RejectLog() = default;
RejectLog::RejectLog(RejectLog&&) noexcept = default;

void RejectLog::add(const Rejected& row) {
  if (!writer_) {
    make_dirs(dir_);
    writer_ = std::make_unique<FileWriter>(dir_ / kFileName);
  }
  // Made valid before it is cut; a few bytes more than needed, because U+FFFD takes three.
  const std::string sample =
      repair_utf8(std::string_view(row.sample).substr(0, kSampleBytes + 4));
  nlohmann::ordered_json json = {{"reason", row.reason},
                                 {"source", repair_utf8(row.source)},
                                 {"offset", row.offset},
                                 {"sample", utf8_prefix(sample, kSampleBytes)}};
  writer_->write(json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  ++counts_[row.reason];
  ++total_;
}

void RejectLog::check(uint64_t accepted, double max_fraction, bool at_end) {
  const uint64_t seen = accepted + total_;
  if (total_ == 0 || (seen < kMinRows && !at_end)) {
    return;
  }
  const double fraction = static_cast<double>(total_) / static_cast<double>(seen);
  if (fraction <= max_fraction) {
    return;
  }
  writer_->sync();
  std::string reasons;
  for (const auto& [reason, count] : counts_) {
    reasons += (reasons.empty() ? "" : ", ") + std::to_string(count) + " " + reason;
  }
  throw Error(ErrorKind::kInput,
              std::to_string(total_) + " of " + std::to_string(seen) + " rows were rejected (" + reasons +
                  "): more than the limit of " + percent(max_fraction),
              (dir_ / kFileName).string(), "look at the rows in that file; then mend the source, or raise max_rejected");
}

void RejectLog::finish() {
  if (writer_) {
    writer_->sync();
  }
}

}  // namespace athanor
