#include "athanor/tensor/process_group.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>

#include <chrono>

#include "athanor/base/rng.h"
#include "athanor/base/text.h"
#include "athanor/tensor/testing_ranks.h"

namespace athanor {
namespace {

// What rank r brings: numbers whose sum depends on the order.
at::Tensor brought_by(int rank, int64_t count) {
  at::Tensor tensor = at::zeros({count});
  Rng rng(static_cast<uint64_t>(100 + rank));
  for (int64_t i = 0; i < count; ++i) {
    tensor.mutable_data_ptr<float>()[i] = static_cast<float>(rng.normal() * std::pow(10, rng.normal()));
  }
  return tensor;
}

at::Tensor summed_in_order(int world, int64_t count) {
  at::Tensor total = brought_by(0, count);
  for (int rank = 1; rank < world; ++rank) {
    total.add_(brought_by(rank, count));
  }
  return total;
}

void check_sums(ProcessGroup& group, int64_t count, bool shared) {
  at::Tensor tensor = brought_by(group.rank(), count);
  if (shared) {
    const at::Tensor place = group.shared_floats(count, "memory");
    EXPECT_NE(group.numbers_of(place, 0), nullptr) << "all are on this machine";
    place.copy_(tensor);
    tensor = place;
  } else {
    EXPECT_EQ(group.numbers_of(tensor, 0), nullptr);
  }
  group.all_reduce(tensor, "all_reduce");
  EXPECT_TRUE(at::equal(tensor, summed_in_order(group.world(), count))) << count;
}

TEST(ProcessGroup, AddsInRankOrderAndMovesParts) {
  const auto launch = testing_ranks::inside();
  if (!launch) {
    testing_ranks::expect_all_pass(2);
    testing_ranks::expect_all_pass(4);
    return;
  }
  RankStore store(*launch, 20);
  ProcessGroup group(store);
  for (const int64_t count : {1, 2, 3, 5, 1000, 100003}) {
    check_sums(group, count, false);
    check_sums(group, count, true);
  }
  // Uneven parts, one of them empty: rank 0 has 7, the last all the rest.
  PartBounds parts(static_cast<size_t>(group.world()) + 1, 7);
  parts[0] = 0;
  parts.back() = 50;
  const auto self = static_cast<size_t>(group.rank());
  const at::Tensor total = summed_in_order(group.world(), 50);
  for (at::Tensor tensor : {at::zeros({50}), group.shared_floats(50, "memory")}) {
    for (int again = 0; again < 20; ++again) {  // nobody may write over what another still reads
      tensor.copy_(brought_by(group.rank(), 50));
      group.reduce_scatter(tensor, parts, "reduce_scatter");
      EXPECT_TRUE(at::equal(tensor.narrow(0, parts[self], parts[self + 1] - parts[self]),
                            total.narrow(0, parts[self], parts[self + 1] - parts[self])));
      group.all_gather(tensor, parts, "all_gather");
      EXPECT_TRUE(at::equal(tensor, total));
    }
  }
  EXPECT_EQ(group.sum({1, static_cast<double>(group.rank())}, "sum"),
            (std::vector<double>{static_cast<double>(group.world()), group.world() * (group.world() - 1) / 2.0}));
  at::Tensor words = group.rank() == 1 ? at::arange(5) : at::zeros({5}, at::kLong);
  group.broadcast(words, 1, "broadcast");
  EXPECT_TRUE(at::equal(words, at::arange(5)));
  if (group.rank() == 0) {
    group.send(words, group.world() - 1, "send");
  } else if (group.rank() == group.world() - 1) {
    words.zero_();
    group.receive(words, 0, "receive");
    EXPECT_TRUE(at::equal(words, at::arange(5)));
  }
  store.set("key/" + std::to_string(group.rank()), "value");
  EXPECT_EQ(store.wait("key/1", "a word of rank 1"), "value");
  store.meet("the end");
  store.meet("the end");
}

// Rank 1 leaves in step 3, in the way that `how` says; the others must name it.
void leave_in_step_3(const Launch& launch, double timeout, const std::function<void()>& how, bool shared = false) {
  RankStore store(launch, timeout);
  ProcessGroup group(store);
  at::Tensor tensor = shared ? group.shared_floats(1000, "memory") : at::zeros({1000});
  tensor.copy_(brought_by(launch.rank, 1000));
  for (int64_t step = 1; step <= 5; ++step) {
    group.at_step(step);
    group.all_reduce(tensor, "gradients");
    if (step == 3 && launch.rank == 1) {
      how();
    }
    try {
      if (shared) {
        group.all_reduce(tensor, "loss");
      }
      group.sum({1}, "loss");
    } catch (const Error& error) {
      EXPECT_EQ(step, 3);
      std::printf("NAMED %s\n", error.message().c_str());
      return;
    }
  }
  ADD_FAILURE() << "rank " << launch.rank << " saw no error";
}

void expect_named(const std::vector<ProcessResult>& results, const std::vector<std::string>& words) {
  for (size_t rank = 0; rank < results.size(); ++rank) {
    if (rank == 1) {
      continue;
    }
    EXPECT_EQ(results[rank].exit_code, 0) << rank << results[rank].out << results[rank].err;
    for (const std::string& word : words) {
      EXPECT_NE(results[rank].out.find(word), std::string::npos)
          << "rank " << rank << " does not say '" << word << "':\n" << results[rank].out << results[rank].err;
    }
  }
}

TEST(ProcessGroup, ARankThatDiesIsNamedByAll) {
  if (const auto launch = testing_ranks::inside()) {
    leave_in_step_3(*launch, 20, [] { ::_exit(9); });
    return;
  }
  const double begin = monotonic_time();
  expect_named(testing_ranks::run_ranks(4), {"NAMED rank 1 has died or hangs, last seen at step 3", "'gradients'", "waits in step 3, 'loss'"});
  EXPECT_LT(monotonic_time() - begin, 15);
}

TEST(ProcessGroup, ARankThatDiesIsNamedByThoseThatWaitForItsMemory) {
  if (const auto launch = testing_ranks::inside()) {
    leave_in_step_3(*launch, 20, [] { ::_exit(9); }, true);
    return;
  }
  const double begin = monotonic_time();
  expect_named(testing_ranks::run_ranks(3), {"NAMED rank 1 has died or hangs, last seen at step 3", "waits in step 3, 'loss'"});
  EXPECT_LT(monotonic_time() - begin, 15);
}

TEST(ProcessGroup, ARankThatHangsIsNamedByThoseThatWaitForItsMemory) {
  if (const auto launch = testing_ranks::inside()) {
    leave_in_step_3(*launch, 2, [] { ::raise(SIGSTOP); }, true);
    return;
  }
  expect_named(testing_ranks::run_ranks(2, {}, 6), {"NAMED rank 1 has died or hangs, last seen at step 3", "waits in step 3, 'loss'"});
}

TEST(SharedBlock, RefusesWhatIsNotAnothersBlock) {
  SharedBlock block(0, 2, 1000);
  const std::string own = block.address();
  for (const std::string& address : {std::string("none"), std::string(""), std::string("elsewhere@host 1 2"), own + "9",
                                     own.substr(0, own.find(' ')) + " -1 3", own.substr(0, own.find(' ')) + " 1 0"}) {
    EXPECT_FALSE(block.open({own, address})) << address;
  }
  EXPECT_FALSE(block.open({own})) << "one is missing";
  SharedBlock shorter(1, 2, 900);
  EXPECT_FALSE(block.open({own, shorter.address()}));
  SharedBlock other(1, 2, 1000);
  EXPECT_TRUE(block.open({own, other.address()}));
  static_cast<char*>(other.data())[999] = 7;
  EXPECT_EQ(static_cast<const char*>(block.of(1))[999], 7);
  EXPECT_TRUE(block.holds(block.data()));
  EXPECT_FALSE(block.holds(other.data()));
  EXPECT_THROW(block.meet(0.2), std::runtime_error) << "the other does not come";
}

TEST(ProcessGroup, ARankThatHangsIsNamed) {
  if (const auto launch = testing_ranks::inside()) {
    leave_in_step_3(*launch, 2, [] { ::raise(SIGSTOP); });
    return;
  }
  expect_named(testing_ranks::run_ranks(2, {}, 6), {"NAMED rank 1 has died or hangs, last seen at step 3", "waits in step 3, 'loss'"});
}

TEST(ProcessGroup, ARankThatDoesNotComeThoughItLivesIsNamed) {
  if (const auto launch = testing_ranks::inside()) {
    leave_in_step_3(*launch, 1, [] { std::this_thread::sleep_for(std::chrono::seconds(8)); ::_exit(0); });
    return;
  }
  expect_named(testing_ranks::run_ranks(2, {}, 20), {"NAMED rank 1 did not arrive within 1 s, and is at step 3, 'gradients"});
}

TEST(ProcessGroup, ARanksOwnErrorReachesTheOthers) {
  const auto launch = testing_ranks::inside();
  if (!launch) {
    expect_named(testing_ranks::run_ranks(3), {"NAMED rank 1 stopped at step 3: disk: is full"});
    return;
  }
  RankStore store(*launch, 20);
  ProcessGroup group(store);
  group.at_step(3);
  group.sum({1}, "loss");
  if (launch->rank == 1) {
    store.say_failed(Error(ErrorKind::kResource, "is full", "disk"));
    return;
  }
  try {
    store.meet("checkpoint");
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    std::printf("NAMED %s\n", error.message().c_str());
  }
}

TEST(ProcessGroup, RanksThatDoNotComeAtTheStartAreNamed) {
  const Launch launch{0, 3, 0, 3, "127.0.0.1", testing_ranks::free_port(), "torchrun"};
  try {
    RankStore store(launch, 1, 1);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("ranks 1, 2 of 3 did not come within 1 s"), std::string::npos) << error.message();
  }
}

}  // namespace
}  // namespace athanor
