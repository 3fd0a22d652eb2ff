// The trie and the queue that the models stand on.
#include <map>
#include <queue>

#include "athanor/token/model/byte_trie.h"
#include "athanor/token/model/merge_queue.h"
#include "athanor/token/model/model_test.h"

namespace athanor::token {
namespace {

TEST(ByteTrie, HoldsJustItsStrings) {
  Rng rng(1);
  for (int round = 0; round < 20; ++round) {
    std::set<std::string> strings;
    for (int i = 0; i < 3000; ++i) {
      std::string text;
      for (size_t left = 1 + rng.below(round < 10 ? 3 : 9); left > 0; --left) {
        text += static_cast<char>(round % 2 == 0 ? rng.below(256) : 'a' + rng.below(4));
      }
      strings.insert(text);
    }
    ByteTrie::Strings list;
    std::map<std::string, int32_t> numbers;
    for (const std::string& text : strings) {
      numbers[text] = static_cast<int32_t>(list.size());
      list.emplace_back(text, numbers[text]);
    }
    std::vector<ByteTrie::Node> nodes;
    const ByteTrie trie(list, &nodes);
    std::map<uint32_t, std::string> names{{ByteTrie::kRoot, ""}};
    for (const ByteTrie::Node& node : nodes) {
      ASSERT_TRUE(names.contains(node.parent));
      ASSERT_TRUE(names.emplace(node.node, names[node.parent] + static_cast<char>(node.byte)).second);
    }
    for (const auto& [node, name] : names) {
      const auto known = numbers.find(name);
      ASSERT_EQ(trie.value(node), known == numbers.end() ? -1 : known->second);
      for (int byte = 0; byte < 256; byte += 1 + static_cast<int>(rng.below(40))) {
        const uint32_t child = trie.child(node, static_cast<uint8_t>(byte));
        ASSERT_EQ(child != ByteTrie::kNone, child != ByteTrie::kNone && names[child] == name + static_cast<char>(byte));
      }
    }
  }
}

TEST(MergeQueue, GivesWhatAHeapGives) {
  Rng rng(2);
  MergeQueue queue;
  for (int round = 0; round < 200; ++round) {
    const size_t ranks = 1 + rng.below(round % 2 == 0 ? 3 : 500);
    queue.reset(ranks);
    std::priority_queue<std::pair<uint32_t, uint32_t>, std::vector<std::pair<uint32_t, uint32_t>>, std::greater<>> heap;
    const uint64_t steps = rng.below(2000);
    for (uint64_t step = 0; step < steps; ++step) {
      if (heap.empty() || rng.below(3) != 0) {
        const std::pair<uint32_t, uint32_t> entry(rng.below(ranks), rng.below(1000));
        heap.push(entry);
        queue.push(entry.first, entry.second);
      } else {
        const MergeQueue::Entry entry = queue.pop();
        ASSERT_EQ(std::pair(entry.rank, entry.place), heap.top());
        heap.pop();
      }
    }
    ASSERT_EQ(queue.empty(), heap.empty());  // the rest is thrown away by the next reset
  }
}

}  // namespace
}  // namespace athanor::token
