#include "athanor/data/readers/rejected.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"

namespace athanor {

namespace {

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

void RejectLog::check_share(const std::map<std::string, uint64_t>& counts, uint64_t accepted, double max_fraction,
                            bool at_end, const fs::path& file) {
  uint64_t rejected = 0;
  for (const auto& [reason, count] : counts) {
    rejected += count;
  }
  const uint64_t seen = accepted + rejected;
  if (rejected == 0 || (seen < kMinRows && !at_end) ||
      static_cast<double>(rejected) / static_cast<double>(seen) <= max_fraction) {
    return;
  }
  std::string reasons;
  for (const auto& [reason, count] : counts) {
    reasons += (reasons.empty() ? "" : ", ") + std::to_string(count) + " " + reason;
  }
  const char* hint = counts.contains("no text field")
                         ? "say which field holds the text with text_field=NAME; or raise max_rejected"
                     : counts.contains("invalid UTF-8")
                         ? "a file of Windows or Excel? iconv -f GB18030 (Chinese) or WINDOWS-1252 (Western) -t UTF-8 OLD > NEW makes it UTF-8; or "
                           "collect with invalid_utf8=replace"
                         : "look at the rows in that file; then mend the source, or raise max_rejected";
  throw Error(ErrorKind::kInput,
              std::to_string(rejected) + " of " + std::to_string(seen) + " rows were rejected (" + reasons +
                  "): more than the limit of " + percent(max_fraction),
              file.string(), hint);
}

void RejectLog::check(uint64_t accepted, double max_fraction, bool at_end) {
  if (total_ == 0 || (accepted + total_ < kMinRows && !at_end)) {
    return;
  }
  try {
    check_share(counts_, accepted, max_fraction, at_end, dir_ / kFileName);
  } catch (const Error&) {
    writer_->sync();
    throw;
  }
}

std::string RejectLog::told(uint64_t accepted) const {
  std::string reasons;
  for (const auto& [reason, count] : counts_) {
    reasons += (reasons.empty() ? "" : ", ") + reason + ": " + std::to_string(count);
  }
  return total_ == 0 ? "" : std::to_string(total_) + " of " + std::to_string(accepted + total_) + " documents are left out (" + reasons + ")";
}

void RejectLog::finish() {
  if (writer_) {
    writer_->sync();
  }
}

}  // namespace athanor
