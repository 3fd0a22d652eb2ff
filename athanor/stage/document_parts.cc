#include "athanor/stage/document_parts.h"

#include <algorithm>
#include <cstdio>

#include "athanor/base/error.h"
#include "athanor/base/interrupt.h"

namespace athanor {

namespace {

constexpr uint64_t kPartRows = uint64_t{1} << 15;

// The parts of rows [first, end), numbered from `number`.
std::vector<PartCut> cut_shard(const Documents& input, const std::vector<int64_t>& row_bytes, uint64_t first,
                               uint64_t end, uint64_t part_bytes, size_t& number) {
  std::vector<PartCut> cuts;
  PartCut cut{};
  const auto end_part = [&](uint64_t row) {
    char name[32];
    std::snprintf(name, sizeof name, "part-%06zu", number++);
    cut.key = name;
    cut.end = row;
    cuts.push_back(std::move(cut));
    cut = PartCut{};
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

std::vector<std::vector<PartCut>> cut_into_parts(const Documents& input, uint64_t part_bytes) {
  const std::vector<int64_t> row_bytes = input.row_bytes();
  std::vector<std::vector<PartCut>> parts;
  size_t number = 0;
  uint64_t first = 0;
  for (size_t shard = 0; shard < input.num_shards(); ++shard) {
    const uint64_t end = first + input.manifest().shards[shard].rows;
    parts.push_back(cut_shard(input, row_bytes, first, end, part_bytes, number));
    first = end;
  }
  return parts;
}

void read_parts(const Documents& input, size_t shard, const std::vector<PartCut>& parts, const std::vector<bool>& wanted,
                const std::function<void(const PartCut&, std::vector<Document>&)>& fn) {
  if (std::none_of(wanted.begin(), wanted.end(), [](bool want) { return want; })) {
    return;
  }
  size_t part = 0;
  std::vector<Document> waiting;
  const auto end_part = [&] {
    if (wanted[part]) {
      fn(parts[part], waiting);
      waiting.clear();
    }
    ++part;
  };
  input.for_each_in(shard, [&](uint64_t row, Document&& document) {
    check_interrupt();
    if (row >= parts[part].end) {
      end_part();
    }
    if (wanted[part]) {
      waiting.push_back(std::move(document));
    }
  });
  end_part();
}

std::vector<bool> parts_to_do(const std::vector<PartCut>& parts, size_t number, const PartJournal& journal,
                              const StageContext& context) {
  std::vector<bool> wanted;
  for (const PartCut& part : parts) {
    const bool done = journal.has(part.key);
    if (context.merge && !done) {
      throw Error(ErrorKind::kInput, "the part " + part.key + " is not done", context.run.name(),
                  "run the recipe with shard=i/n for every i");
    }
    const bool mine = context.shard.mine(number++);
    wanted.push_back(mine && !done);
  }
  return wanted;
}

void for_each_part(const Documents& input, const PartJournal& journal, const StageContext& context,
                   const std::function<void(const DocumentPart&)>& fn, uint64_t part_bytes) {
  const std::vector<std::vector<PartCut>> parts = cut_into_parts(input, part_bytes);
  size_t number = 0;
  uint64_t done = 0, bytes = 0;
  const auto give = [&](const PartCut& part, const std::vector<Document>* documents) {
    bytes += part.bytes;
    done += part.kept;
    fn({part.key, done - part.kept, documents,
        static_cast<double>(done) / static_cast<double>(input.num_documents()), bytes});
  };
  for (size_t shard = 0; shard < parts.size(); ++shard) {
    const std::vector<bool> wanted = parts_to_do(parts[shard], number, journal, context);
    number += parts[shard].size();
    size_t next = 0;
    const auto give_those_before = [&](const PartCut* end) {
      for (; next < parts[shard].size() && &parts[shard][next] != end; ++next) {
        give(parts[shard][next], nullptr);
      }
    };
    read_parts(input, shard, parts[shard], wanted, [&](const PartCut& part, std::vector<Document>& documents) {
      give_those_before(&part);
      give(part, &documents);
      ++next;
    });
    give_those_before(nullptr);
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
