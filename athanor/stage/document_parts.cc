#include "athanor/stage/document_parts.h"

#include <algorithm>
#include <cstdio>

#include "athanor/base/error.h"
#include "athanor/base/interrupt.h"

namespace athanor {

namespace {

constexpr uint64_t kPartRows = uint64_t{1} << 15;

struct Cut {
  std::string key;
  uint64_t end;    // row after the part
  uint64_t kept;   // rows of it
  uint64_t bytes;  // of these
  bool work = false;
};

// The parts of one shard, numbered from `number`.
std::vector<Cut> cut_shard(const Documents& input, const std::vector<int64_t>& row_bytes, uint64_t first, uint64_t end,
                           uint64_t part_bytes, size_t& number) {
  std::vector<Cut> cuts;
  Cut cut{};
  const auto end_part = [&](uint64_t row) {
    char name[32];
    std::snprintf(name, sizeof name, "part-%06zu", number++);
    cut.key = name;
    cut.end = row;
    cuts.push_back(std::move(cut));
    cut = Cut{};
  };
  for (uint64_t row = first; row < end; ++row) {
    if (!input.keep()[row]) {
      continue;
    }
    ++cut.kept;
    cut.bytes += static_cast<uint64_t>(row_bytes[row]);
    if (cut.bytes >= part_bytes || cut.kept >= kPartRows) {
      end_part(row + 1);
    }
  }
  if (cut.kept > 0) {
    end_part(end);
  }
  return cuts;
}

}  // namespace

void for_each_part(const Documents& input, const PartJournal& journal, const StageContext& context,
                   const std::function<void(const DocumentPart&)>& fn, uint64_t part_bytes) {
  const std::vector<int64_t> row_bytes = input.row_bytes();
  size_t number = 0;
  uint64_t done = 0, bytes = 0;
  for (size_t shard = 0; shard < input.num_shards(); ++shard) {
    const uint64_t first = input.first_row(shard);
    const size_t first_number = number;
    std::vector<Cut> cuts = cut_shard(input, row_bytes, first, first + input.manifest().shards[shard].rows, part_bytes, number);
    for (size_t i = 0; i < cuts.size(); ++i) {
      cuts[i].work = context.shard.mine(first_number + i) && !journal.has(cuts[i].key);
      if (cuts[i].work && context.merge) {
        throw Error(ErrorKind::kInput, "the part " + cuts[i].key + " is not done", context.run.name(),
                    "run the recipe with shard=i/n for every i");
      }
    }
    size_t next = 0;
    std::vector<Document> waiting;
    const auto end_part = [&] {
      const Cut& cut = cuts[next++];
      bytes += cut.bytes;
      done += cut.kept;
      fn({cut.key, done - cut.kept, cut.work ? &waiting : nullptr,
          static_cast<double>(done) / static_cast<double>(input.num_documents()), bytes});
      waiting.clear();
    };
    if (std::any_of(cuts.begin(), cuts.end(), [](const Cut& cut) { return cut.work; })) {
      input.for_each_in(shard, [&](uint64_t row, Document&& document) {
        check_interrupt();
        if (row >= cuts[next].end) {
          end_part();
        }
        if (cuts[next].work) {
          waiting.push_back(std::move(document));
        }
      });
    }
    while (next < cuts.size()) {
      end_part();
    }
  }
}

void add_columns_of(const Documents& input, std::vector<Column>& columns) {
  const size_t num_new = columns.size();
  for (const std::string& name : input.column_names()) {
    if (std::none_of(columns.begin(), columns.begin() + static_cast<std::ptrdiff_t>(num_new),
                     [&](const Column& column) { return column.name == name; })) {
      columns.push_back({name, input.column(name)});
    }
  }
}

}  // namespace athanor
