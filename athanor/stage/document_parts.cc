#include "athanor/stage/document_parts.h"

#include <cstdio>

#include "athanor/base/interrupt.h"

namespace athanor {

namespace {

constexpr uint64_t kPartBytes = uint64_t{16} << 20;
constexpr uint64_t kPartRows = uint64_t{1} << 15;

std::string part_key(size_t number) {
  char name[32];
  std::snprintf(name, sizeof name, "part-%06zu", number);
  return name;
}

}  // namespace

void for_each_part(const Documents& input, const PartJournal& journal,
                   const std::function<void(const DocumentPart&)>& fn) {
  const std::vector<int64_t> row_bytes = input.row_bytes();
  std::vector<Document> waiting;
  uint64_t waiting_bytes = 0, done = 0, bytes = 0;
  size_t number = 0;
  bool skip = journal.has(part_key(0));
  const auto end_part = [&] {
    bytes += waiting_bytes;
    fn({part_key(number), done - waiting.size(), skip ? nullptr : &waiting,
        static_cast<double>(done) / static_cast<double>(input.num_documents()), bytes});
    waiting.clear();
    waiting_bytes = 0;
    skip = journal.has(part_key(++number));
  };
  input.for_each([&](uint64_t row, Document&& document) {
    check_interrupt();
    ++done;
    waiting_bytes += static_cast<uint64_t>(row_bytes[row]);
    waiting.push_back(skip ? Document{} : std::move(document));
    if (waiting_bytes >= kPartBytes || waiting.size() >= kPartRows) {
      end_part();
    }
  });
  if (!waiting.empty()) {
    end_part();
  }
}

}  // namespace athanor
