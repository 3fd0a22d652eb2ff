#include "athanor/clean/near/bucket_search.h"

#include <algorithm>
#include <memory>

namespace athanor {

namespace {

constexpr size_t kMembersARound = size_t{1} << 16;  // compared between two looks at the clusters
constexpr size_t kTaskMembers = 1024;               // of a bucket that only has a window

}  // namespace

BucketSearch::BucketSearch(UnionFind& clusters, ThreadPool& pool, MakeComparer make)
    : clusters_(clusters), pool_(pool), make_(std::move(make)) {}

void BucketSearch::add(std::span<const Member> bucket, size_t window) {
  const size_t first = members_.size();
  members_.insert(members_.end(), bucket.begin(), bucket.end());
  const size_t stop = members_.size();
  if (window >= bucket.size()) {
    tasks_.push_back({first, stop, stop, window});
  } else {
    for (size_t begin = first; begin < stop; begin += kTaskMembers) {
      tasks_.push_back({begin, std::min(stop, begin + kTaskMembers), stop, window});
    }
  }
  if (members_.size() >= kMembersARound) {
    flush();
  }
}

BucketSearch::Found BucketSearch::run(const Task& task) const {
  const size_t last = std::min(task.stop, task.end + task.window);
  const std::span<const Member> members(members_.data() + task.begin, last - task.begin);
  // Local clusters, so that a bucket of n alike texts costs n comparisons: members already connected start as one.
  std::vector<std::pair<uint32_t, uint32_t>> by_root;
  for (uint32_t i = 0; i < members.size(); ++i) {
    by_root.emplace_back(clusters_.root(members[i].text), i);
  }
  std::sort(by_root.begin(), by_root.end());
  UnionFind local(members.size());
  for (size_t i = 1; i < by_root.size(); ++i) {
    if (by_root[i].first == by_root[i - 1].first) {
      local.join(by_root[i - 1].second, by_root[i].second);
    }
  }
  Found found;
  const std::unique_ptr<Comparer> comparer = make_(members);
  for (uint32_t i = 0; i < task.end - task.begin; ++i) {
    const size_t end = std::min(members.size(), i + task.window + 1);
    for (uint32_t j = i + 1; j < end; ++j) {
      if (local.find(i) == local.find(j)) {
        continue;
      }
      ++found.compared;
      if (comparer->alike(i, j)) {
        local.join(i, j);
        found.joined.emplace_back(members[i].text, members[j].text);
      }
    }
  }
  return found;
}

void BucketSearch::flush() {
  std::vector<Found> found(tasks_.size());
  constexpr size_t kTasksAtOnce = 64;
  pool_.parallel_for((tasks_.size() + kTasksAtOnce - 1) / kTasksAtOnce, [&](size_t group) {
    for (size_t i = group * kTasksAtOnce; i < std::min(tasks_.size(), (group + 1) * kTasksAtOnce); ++i) {
      found[i] = run(tasks_[i]);
    }
  });
  for (const Found& one : found) {
    compared_ += one.compared;
    for (const auto& [x, y] : one.joined) {
      clusters_.join(x, y);
    }
  }
  tasks_.clear();
  members_.clear();
}

}  // namespace athanor
