// What a mixture takes of each source.
#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <numeric>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/nearest.h"
#include "athanor/base/unicode.h"
#include "athanor/data/mix/mix_take.h"

namespace athanor {

namespace {

constexpr const char* kUnitNames[] = {"bytes", "characters", "documents", "tokens"};
constexpr double kMaxUnits = 9e18;
// Documents are told apart by the top bits of their key first, so that no list of all of them is needed.
constexpr int kKeyBits = 14;

template <class Fn>
void for_each_id(const Documents& documents, size_t shard, const Fn& fn) {
  const uint64_t first = documents.first_row(shard);
  const ParquetFile file(documents.dir() / documents.manifest().shards[shard].path);
  file.for_each_batch({{"id", ColumnType::kString}}, [&](uint64_t begin, std::vector<ColumnValues>&& batch) {
    const auto& ids = std::get<std::vector<std::string>>(batch[0]);
    for (size_t i = 0; i < ids.size(); ++i) {
      if (documents.keep()[static_cast<size_t>(first + begin) + i]) {
        fn(begin + i, first + begin + i, ids[i]);
      }
    }
  });
}

std::string text_at(const Documents& documents, uint64_t row) {
  size_t shard = 0;
  while (documents.first_row(shard) + documents.manifest().shards[shard].rows <= row) {
    ++shard;
  }
  std::string text;
  documents.for_each_in(shard, [&](uint64_t here, Document&& document) {
    if (here == row) {
      text = std::move(document.text);
    }
  });
  return text;
}

void check_names(const std::map<std::string, double>& numbers, const char* option,
                 const std::vector<MixSource>& sources) {
  std::vector<std::string> names;
  for (const MixSource& source : sources) {
    names.push_back(source.name);
    if (!numbers.contains(source.name)) {
      throw Error(ErrorKind::kUsage, std::string(option) + " say nothing of the input '" + source.name + "'",
                  "mix." + std::string(option), "give it a number, 0 to leave it out");
    }
  }
  for (const auto& [name, number] : numbers) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      throw Error(ErrorKind::kUsage, std::string(option) + " name '" + name + "', which is no input",
                  "mix." + std::string(option), did_you_mean(name, names));
    }
    if (!(number >= 0 && number < kMaxUnits)) {
      throw Error(ErrorKind::kUsage, std::string(option) + ": '" + name + "' must be a number from 0",
                  "mix." + std::string(option));
    }
  }
}

std::string units_text(double units, MixUnit unit) {
  return grouped_integer(static_cast<int64_t>(units)) + " " + name_of(unit);
}

}  // namespace

std::string_view cut_text(std::string_view text, MixUnit unit, uint64_t units) {
  if (unit == MixUnit::kBytes) {
    return utf8_prefix(text, static_cast<size_t>(std::min<uint64_t>(units, text.size())));
  }
  const char* p = text.data();
  const char* const end = p + text.size();
  while (units > 0 && p != end) {
    decode_utf8(p, end);
    --units;
  }
  return {text.data(), static_cast<size_t>(p - text.data())};
}

MixUnit mix_unit(std::string_view name) {
  for (size_t i = 0; i < std::size(kUnitNames); ++i) {
    if (name == kUnitNames[i]) {
      return static_cast<MixUnit>(i);
    }
  }
  throw Error(ErrorKind::kInternal, "'" + std::string(name) + "' is no unit of a mixture");
}

const char* name_of(MixUnit unit) { return kUnitNames[static_cast<size_t>(unit)]; }

std::vector<Mixer::Sizes::Row> Mixer::Sizes::of_shard(size_t shard) const {
  const ParquetFile file(documents->dir() / documents->manifest().shards[shard].path);
  std::vector<Row> rows;
  rows.reserve(static_cast<size_t>(file.num_rows()));
  file.for_each_batch({{"num_bytes", ColumnType::kInt64}}, [&](uint64_t, std::vector<ColumnValues>&& batch) {
    for (const int64_t bytes : std::get<std::vector<int64_t>>(batch[0])) {
      rows.push_back({unit == MixUnit::kBytes ? static_cast<uint64_t>(bytes) : 1, static_cast<uint64_t>(bytes)});
    }
  });
  if (unit == MixUnit::kCharacters) {
    for (size_t i = 0; i < rows.size(); ++i) {
      rows[i].units = characters.at(shard).at(i);
    }
  } else if (unit == MixUnit::kTokens) {
    const ColumnValues values = documents->shard_column(shard, kTokensColumn);
    for (size_t i = 0; i < rows.size(); ++i) {
      const int64_t tokens = std::get<std::vector<int64_t>>(values).at(i);
      if (tokens < 0 && documents->keep()[static_cast<size_t>(documents->first_row(shard)) + i]) {
        throw Error(ErrorKind::kInput, "a document has " + std::to_string(tokens) + " tokens", documents->dir().string());
      }
      rows[i].units = static_cast<uint64_t>(std::max<int64_t>(tokens, 0));
    }
  }
  return rows;
}

Mixer::~Mixer() = default;

Mixer::Mixer(std::vector<MixSource> sources, const MixOptions& options, ThreadPool& pool)
    : sources_(std::move(sources)), options_(options), pool_(pool) {
  std::sort(sources_.begin(), sources_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  for (const MixSource& source : sources_) {
    Sizes sizes{source.documents, options_.unit, {}, 0, 0};
    const Documents& documents = *source.documents;
    if (options_.unit == MixUnit::kTokens) {
      const auto& infos = documents.manifest().columns;
      if (std::find(infos.begin(), infos.end(), ColumnInfo{kTokensColumn, ColumnType::kInt64}) == infos.end()) {
        throw Error(ErrorKind::kUsage, "unit: tokens needs a column num_tokens (int64), and '" + source.name +
                                           "' has none", "mix.unit", "athanor count writes it; or count by unit: bytes or characters");
      }
    }
    MixShare share;
    share.name = source.name;
    share.available_documents = documents.num_documents();
    sizes.characters.resize(options_.unit == MixUnit::kCharacters ? documents.num_shards() : 0);
    std::mutex mutex;
    pool_.parallel_for(documents.num_shards(), [&](size_t shard) {
      check_interrupt();
      const uint64_t first = documents.first_row(shard);
      if (options_.unit == MixUnit::kCharacters) {
        sizes.characters[shard].assign(static_cast<size_t>(documents.manifest().shards[shard].rows), 0);
        documents.for_each_in(shard, [&](uint64_t row, Document&& document) {
          sizes.characters[shard][static_cast<size_t>(row - first)] = static_cast<uint32_t>(
              std::min<size_t>(count_code_points(document.text), std::numeric_limits<uint32_t>::max()));
        });
      }
      uint64_t units = 0;
      uint64_t bytes = 0;
      const auto rows = sizes.of_shard(shard);
      for (size_t i = 0; i < rows.size(); ++i) {
        if (documents.keep()[static_cast<size_t>(first) + i]) {
          units += rows[i].units;
          bytes += rows[i].bytes;
        }
      }
      const std::lock_guard lock(mutex);
      sizes.units += units;
      sizes.bytes += bytes;
    });
    share.available = sizes.units;
    sizes_.push_back(std::move(sizes));
    shares_.push_back(share);
  }
  for (const ColumnInfo& info : sources_.empty() ? std::vector<ColumnInfo>() : sources_[0].documents->manifest().columns) {
    const bool everywhere = std::all_of(sources_.begin(), sources_.end(), [&](const MixSource& source) {
      const auto& infos = source.documents->manifest().columns;
      return std::find(infos.begin(), infos.end(), info) != infos.end();
    });
    if (everywhere && info.name != "copy" && info.name != "mixture") {
      columns_.push_back(info);
    }
  }
  columns_.push_back({"copy", ColumnType::kInt64});
  columns_.push_back({"mixture", ColumnType::kString});
  plan_budgets();
  for (size_t i = 0; i < sources_.size(); ++i) {
    takes_.push_back(take(i, shares_[i]));
  }
  if (std::all_of(shares_.begin(), shares_.end(), [](const MixShare& share) { return share.documents == 0; })) {
    throw Error(ErrorKind::kInput, "the budgets are shorter than any document: nothing would be taken", "mix",
                "raise them, or take cut: true");
  }
}

void Mixer::plan_budgets() {
  const bool by_budget = !options_.budgets.empty();
  if (by_budget) {
    check_names(options_.budgets, "budgets", sources_);
  } else if (!options_.weights.empty()) {
    check_names(options_.weights, "weights", sources_);
  }
  std::vector<double> wanted;
  double sum = 0;
  for (const MixShare& share : shares_) {
    wanted.push_back(by_budget                    ? options_.budgets.at(share.name)
                     : !options_.weights.empty() ? options_.weights.at(share.name)
                                                 : static_cast<double>(share.available));
    sum += wanted.back();
  }
  if (!(sum > 0)) {
    throw Error(ErrorKind::kInput, "there is nothing to take: every input is empty, or has the weight or budget 0", "mix");
  }
  double total = by_budget ? sum : options_.total;
  const double epochs = options_.weights.empty() && !by_budget && total <= 0 ? 1 : options_.max_epochs;
  if (total <= 0) {
    total = kMaxUnits;
    for (size_t i = 0; i < shares_.size(); ++i) {
      if (wanted[i] > 0) {
        total = std::min(total, std::floor(static_cast<double>(shares_[i].available) * epochs / (wanted[i] / sum)));
      }
    }
  }
  for (size_t i = 0; i < shares_.size(); ++i) {
    MixShare& share = shares_[i];
    const double budget = by_budget ? wanted[i] : std::floor(total * (wanted[i] / sum) + 0.5);
    const double most = static_cast<double>(share.available) * epochs;
    if (budget > std::floor(most) + 1) {  // one unit of rounding
      throw Error(ErrorKind::kInput,
                  "'" + share.name + "' should give " + units_text(budget, options_.unit) + ", but " +
                      human_number(options_.max_epochs) + " times what it has (max_epochs) is " +
                      units_text(most, options_.unit),
                  "mix", "lower its budget or weight, or the total, or raise max_epochs");
    }
    share.budget = static_cast<uint64_t>(std::min(budget, std::floor(most)));
  }
}

// Walks the documents of the last, partial copy in the order of their keys up to the budget.
Mixer::Take Mixer::take(size_t source, MixShare& share) const {
  Take result;
  const Sizes& sizes = sizes_[source];
  const Documents& documents = *sizes.documents;
  if (sizes.units == 0) {
    return result;
  }
  result.full = share.budget / sizes.units;
  uint64_t rest = share.budget % sizes.units;
  share.taken = result.full * sizes.units;
  share.documents = result.full * share.available_documents;
  share.text_bytes = result.full * sizes.bytes;
  if (rest == 0) {
    return result;
  }
  struct Sum {
    uint64_t units = 0, bytes = 0, documents = 0;
  };
  std::vector<Sum> sums(size_t{1} << kKeyBits);
  std::mutex mutex;
  pool_.parallel_for(documents.num_shards(), [&](size_t shard) {
    check_interrupt();
    const auto rows = sizes.of_shard(shard);
    std::vector<Sum> here(sums.size());
    for_each_id(documents, shard, [&](uint64_t in_shard, uint64_t, const std::string& id) {
      Sum& sum = here[take_key(options_.seed, id, result.full) >> (64 - kKeyBits)];
      sum.units += rows[static_cast<size_t>(in_shard)].units;
      sum.bytes += rows[static_cast<size_t>(in_shard)].bytes;
      ++sum.documents;
    });
    const std::lock_guard lock(mutex);
    for (size_t i = 0; i < sums.size(); ++i) {
      sums[i].units += here[i].units;
      sums[i].bytes += here[i].bytes;
      sums[i].documents += here[i].documents;
    }
  });
  size_t bucket = 0;
  while (sums[bucket].units <= rest) {  // rest is below the sum of all, so one is above it
    rest -= sums[bucket].units;
    share.taken += sums[bucket].units;
    share.text_bytes += sums[bucket].bytes;
    share.documents += sums[bucket].documents;
    ++bucket;
  }
  struct Candidate {
    uint64_t key, row, units, bytes;
    bool operator<(const Candidate& other) const { return std::pair(key, row) < std::pair(other.key, other.row); }
  };
  std::vector<Candidate> candidates;
  pool_.parallel_for(documents.num_shards(), [&](size_t shard) {
    const auto rows = sizes.of_shard(shard);
    for_each_id(documents, shard, [&](uint64_t in_shard, uint64_t row, const std::string& id) {
      const uint64_t key = take_key(options_.seed, id, result.full);
      if (key >> (64 - kKeyBits) == bucket) {
        const auto& size = rows[static_cast<size_t>(in_shard)];
        const std::lock_guard lock(mutex);
        candidates.push_back({key, row, size.units, size.bytes});
      }
    });
  });
  std::sort(candidates.begin(), candidates.end());
  for (size_t i = 0; i < candidates.size(); ++i) {
    const Candidate& at = candidates[i];
    result.key = at.key;
    result.row = at.row;
    if (at.units > rest) {
      const bool cuts = options_.cut && options_.unit != MixUnit::kDocuments && options_.unit != MixUnit::kTokens;
      if (cuts && rest > 0) {
        const std::string text = text_at(documents, at.row);
        const std::string_view piece = cut_text(text, options_.unit, rest);
        result.cut = rest;
        share.taken += options_.unit == MixUnit::kBytes ? piece.size() : rest;
        share.text_bytes += piece.size();
        ++share.documents;
      } else if (at.units - rest < rest) {  // nearer with it than without it
        result.row = at.row + 1;
        share.taken += at.units;
        share.text_bytes += at.bytes;
        ++share.documents;
      }
      break;
    }
    rest -= at.units;
    share.taken += at.units;
    share.text_bytes += at.bytes;
    ++share.documents;
  }
  return result;
}

}  // namespace athanor
