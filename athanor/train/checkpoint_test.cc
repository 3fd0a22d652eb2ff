#include "athanor/train/checkpoint.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "athanor/base/error.h"
#include "athanor/train/checkpoint_files.h"
#include "athanor/train/testing.h"

namespace athanor {
namespace {

using namespace testing_train;

NamedTensors tensors_of(double value) {
  return {{"a", at::full({3, 4}, value)}, {"b.c", at::full({7}, value + 1)}};
}

void save(CheckpointWriter& writer, int64_t step, std::optional<double> metric = std::nullopt) {
  nlohmann::json trainer = {{"step", step}, {"event_position", step * 10}};
  if (metric) {
    trainer["metric"] = *metric;
  }
  writer.save(step, tensors_of(static_cast<double>(step)), tensors_of(0.5), trainer);
  writer.wait();
}

std::vector<std::string> names_in(const fs::path& dir) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(dir)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

TEST(Checkpoint, ComesBackAsItWas) {
  const TemporaryFolder folder;
  EXPECT_FALSE(find_resume_point(folder.path() / "state"));
  CheckpointWriter writer(folder.path() / "state", {2, false}, std::nullopt);
  EXPECT_EQ(writer.last_step(), -1);
  save(writer, 5);
  std::vector<std::string> warnings;
  const auto point = find_resume_point(folder.path() / "state", false, &warnings);
  ASSERT_TRUE(point);
  EXPECT_TRUE(warnings.empty());
  EXPECT_EQ(point->step, 5);
  EXPECT_EQ(point->event_position, 50u);
  EXPECT_EQ(point->path.filename(), "checkpoint-00000005");
  NamedTensors into = tensors_of(0);
  load_tensors(point->path / "model.safetensors", into);
  EXPECT_TRUE(at::equal(into[0].second, at::full({3, 4}, 5.0)));
  EXPECT_TRUE(at::equal(into[1].second, at::full({7}, 6.0)));
}

TEST(Checkpoint, KeepsTheLastAndTheBest) {
  const TemporaryFolder folder;
  CheckpointWriter writer(folder.path(), {2, true}, std::nullopt);
  save(writer, 1, 3.0);
  save(writer, 2, 2.0);
  save(writer, 3);
  save(writer, 4, 2.5);
  save(writer, 5);
  EXPECT_EQ(names_in(folder.path()), (std::vector<std::string>{"checkpoint-00000002", "checkpoint-00000004",
                                                               "checkpoint-00000005"}));
}

TEST(Checkpoint, KeepsTheLastOfAMultipleAndLeavesAWay) {
  const TemporaryFolder folder;
  CheckpointWriter writer(folder.path(), {1, false, 4}, std::nullopt);
  for (const int64_t step : {4, 6, 8, 9, 11}) {
    save(writer, step);
  }
  EXPECT_EQ(names_in(folder.path()), (std::vector<std::string>{"checkpoint-00000008", "checkpoint-00000011"}));
  writer.remove_after(8);
  EXPECT_EQ(names_in(folder.path()), (std::vector<std::string>{"checkpoint-00000008"}));
  EXPECT_TRUE(find_checkpoint(folder.path(), 8));
  EXPECT_FALSE(find_checkpoint(folder.path(), 11));
}

struct Damage {
  const char* name;
  std::function<void(const fs::path&)> apply;
};

TEST(Checkpoint, DamageIsNamedAndThePreviousOneUsed) {
  const std::vector<Damage> damages = {
      {"model.safetensors",
       [](const fs::path& dir) {
         std::fstream file(dir / "model.safetensors", std::ios::in | std::ios::out | std::ios::binary);
         file.seekp(-3, std::ios::end);
         file.put('\x55');
       }},
      {"optimizer.safetensors", [](const fs::path& dir) { fs::resize_file(dir / "optimizer.safetensors", 20); }},
      {"trainer.json", [](const fs::path& dir) { fs::remove(dir / "trainer.json"); }},
      {"MANIFEST", [](const fs::path& dir) { fs::remove(dir / "MANIFEST"); }},
      {"MANIFEST", [](const fs::path& dir) { fs::resize_file(dir / "MANIFEST", 70); }},
      {"MANIFEST", [](const fs::path& dir) { fs::resize_file(dir / "MANIFEST", 0); }},
      {"MANIFEST", [](const fs::path& dir) { std::ofstream(dir / "MANIFEST") << "x  1  ../../etc/passwd\n"; }}};
  for (const Damage& damage : damages) {
    const TemporaryFolder folder;
    CheckpointWriter writer(folder.path(), {3, false}, std::nullopt);
    save(writer, 1);
    save(writer, 2);
    damage.apply(folder.path() / "checkpoint-00000002");
    std::vector<std::string> warnings;
    const auto point = find_resume_point(folder.path(), false, &warnings);
    ASSERT_TRUE(point) << damage.name;
    EXPECT_EQ(point->step, 1);
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_NE(warnings[0].find("checkpoint-00000002"), std::string::npos) << warnings[0];
    EXPECT_NE(warnings[0].find(damage.name), std::string::npos) << warnings[0];
    // A writer that goes on from step 1 clears the broken one away.
    const CheckpointWriter next(folder.path(), {1, false}, point->step);
    EXPECT_EQ(names_in(folder.path()), (std::vector<std::string>{"checkpoint-00000001"}));
  }
}

TEST(Checkpoint, EveryCutOfEveryFileIsNoticed) {
  const TemporaryFolder folder;
  CheckpointWriter writer(folder.path(), {3, false}, std::nullopt);
  save(writer, 1);
  const fs::path dir = folder.path() / "checkpoint-00000001";
  for (const char* name : {kModelName, kOptimizerName, kTrainerName, "MANIFEST"}) {
    const std::string bytes = read_file(dir / name);
    for (size_t cut = 0; cut + 1 < bytes.size(); cut += 1 + bytes.size() / 40) {
      write_file_atomic(dir / name, bytes.substr(0, cut));
      ASSERT_FALSE(find_resume_point(folder.path())) << name << " cut at " << cut;
    }
    write_file_atomic(dir / name, bytes);
  }
  EXPECT_TRUE(find_resume_point(folder.path()));
}

TEST(Checkpoint, HalfWrittenOnesAreNoneAndGoAway) {
  const TemporaryFolder folder;
  fs::create_directories(folder.path() / "checkpoint-00000009.tmp");
  fs::create_directories(folder.path() / "checkpoint-x");
  EXPECT_FALSE(find_resume_point(folder.path()));
  const CheckpointWriter writer(folder.path(), {1, false}, std::nullopt);
  EXPECT_EQ(names_in(folder.path()), (std::vector<std::string>{"checkpoint-x"}));
}

TEST(Checkpoint, TensorsMustFitExactly) {
  const TemporaryFolder folder;
  CheckpointWriter writer(folder.path(), {1, false}, std::nullopt);
  save(writer, 1);
  const fs::path file = folder.path() / "checkpoint-00000001" / "model.safetensors";
  EXPECT_THROW(load_tensors(file, {{"a", at::full({3, 4}, 0.0)}}), Error);
  EXPECT_THROW(load_tensors(file, {{"a", at::full({3, 4}, 0.0)}, {"b", at::full({7}, 0.0)}}), Error);
  EXPECT_THROW(load_tensors(file, {{"a", at::full({4, 3}, 0.0)}, {"b.c", at::full({7}, 0.0)}}), Error);
}

// RLIMIT_FSIZE with SIGXFSZ ignored makes write(2) fail as a full disk does, without a disk to fill.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST(Checkpoint, AFullDiskIsAClearErrorAndTheLastOneStays) {
  const TemporaryFolder folder;
  CheckpointWriter writer(folder.path(), {1, false}, std::nullopt);
  save(writer, 1);
  {
    const FileSizeLimit limit(4096);
    writer.save(2, {{"a", at::full({100, 100}, 1.0)}}, tensors_of(1), {{"step", 2}, {"event_position", 0}});
    try {
      writer.wait();
      FAIL() << "the write should have failed";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kResource);
      EXPECT_NE(error.message().find("step 2"), std::string::npos) << error.message();
    }
  }
  EXPECT_EQ(names_in(folder.path()), (std::vector<std::string>{"checkpoint-00000001"}));
  EXPECT_EQ(find_resume_point(folder.path())->step, 1);
  save(writer, 3);  // and it can go on once there is room
  EXPECT_EQ(find_resume_point(folder.path())->step, 3);
}

}  // namespace
}  // namespace athanor
