#include "athanor/run/launch.h"

#include <gtest/gtest.h>

#include <map>

#include "athanor/base/error.h"

namespace athanor {
namespace {

using Variables = std::map<std::string, std::string>;

Launch read(const Variables& variables) {
  return read_launch([&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

std::string error_of(const Variables& variables) {
  try {
    read(variables);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_FALSE(error.hint().empty());
    return error.where() + ": " + error.message();
  }
  return "";
}

TEST(Launch, WithoutALauncherIsOneProcess) {
  const Launch launch = read({{"HOME", "/root"}, {"SLURM_JOB_ID", "7"}});
  EXPECT_TRUE(launch.alone());
  EXPECT_EQ(launch.launcher, "");
}

TEST(Launch, ReadsTorchrun) {
  const Launch launch = read({{"RANK", "3"}, {"WORLD_SIZE", "4"}, {"LOCAL_RANK", "1"}, {"LOCAL_WORLD_SIZE", "2"},
                              {"MASTER_ADDR", "n0"}, {"MASTER_PORT", "29511"},
                              {"TORCHELASTIC_USE_AGENT_STORE", "True"}, {"TORCHELASTIC_RESTART_COUNT", "2"}});
  EXPECT_EQ(launch.rank, 3);
  EXPECT_EQ(launch.world, 4);
  EXPECT_EQ(launch.local_rank, 1);
  EXPECT_EQ(launch.local_world, 2);
  EXPECT_EQ(launch.address, "n0");
  EXPECT_EQ(launch.port, 29511);
  EXPECT_TRUE(launch.store_is_hosted);
  EXPECT_EQ(launch.attempt, 2);
}

TEST(Launch, ReadsSlurm) {
  const Launch launch = read({{"SLURM_PROCID", "5"}, {"SLURM_STEP_NUM_TASKS", "8"}, {"SLURM_NTASKS", "8"},
                              {"SLURM_LOCALID", "1"}, {"SLURM_STEP_TASKS_PER_NODE", "4(x2)"},
                              {"SLURM_STEP_NODELIST", "gpu[03-07,9],login"}, {"SLURM_JOB_ID", "123456"}});
  EXPECT_EQ(launch.launcher, "slurm");
  EXPECT_EQ(launch.rank, 5);
  EXPECT_EQ(launch.world, 8);
  EXPECT_EQ(launch.local_rank, 1);
  EXPECT_EQ(launch.local_world, 4);
  EXPECT_EQ(launch.address, "gpu03");
  EXPECT_EQ(launch.port, 20000 + 123456 % 20000);
}

TEST(Launch, ABatchScriptWithoutSrunIsOneProcess) {
  EXPECT_TRUE(read({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}, {"SLURM_NODELIST", "a"}}).alone());
}

TEST(Launch, ReadsOpenMpiAndMpich) {
  const Launch open = read({{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"},
                            {"OMPI_COMM_WORLD_LOCAL_RANK", "1"}, {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}});
  EXPECT_EQ(open.launcher, "openmpi");
  EXPECT_EQ(open.rank, 1);
  EXPECT_EQ(open.address, "127.0.0.1");
  const Launch mpich = read({{"PMI_RANK", "0"}, {"PMI_SIZE", "2"}, {"MASTER_ADDR", "n7"}, {"MASTER_PORT", "999"}});
  EXPECT_EQ(mpich.launcher, "mpich");
  EXPECT_EQ(mpich.world, 2);
  EXPECT_EQ(mpich.address, "n7");
  EXPECT_EQ(mpich.port, 999);
}

TEST(Launch, TorchrunUnderSrunCountsAsTorchrun) {
  const Launch launch = read({{"RANK", "1"}, {"WORLD_SIZE", "4"}, {"MASTER_ADDR", "a"}, {"MASTER_PORT", "1"},
                              {"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "2"}, {"SLURM_NODELIST", "a,b"}});
  EXPECT_EQ(launch.launcher, "torchrun");
  EXPECT_EQ(launch.world, 4);
}

TEST(Launch, NamesWhatIsHalfSetOrContradicts) {
  EXPECT_NE(error_of({{"RANK", "1"}}).find("RANK is set, WORLD_SIZE is not"), std::string::npos);
  EXPECT_NE(error_of({{"WORLD_SIZE", "2"}}).find("WORLD_SIZE is set, RANK is not"), std::string::npos);
  EXPECT_NE(error_of({{"RANK", "2"}, {"WORLD_SIZE", "2"}}).find("RANK=2 is not below WORLD_SIZE=2"), std::string::npos);
  EXPECT_NE(error_of({{"RANK", "0"}, {"WORLD_SIZE", "2"}}).find("MASTER_ADDR is not"), std::string::npos);
  EXPECT_NE(error_of({{"RANK", "x"}, {"WORLD_SIZE", "2"}}).find("RANK: 'x' is not a number"), std::string::npos);
  EXPECT_NE(error_of({{"RANK", "0"}, {"WORLD_SIZE", "0"}}).find("WORLD_SIZE: '0' is not"), std::string::npos);
  EXPECT_NE(error_of({{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "a"}, {"MASTER_PORT", "99999"}})
                .find("MASTER_PORT"), std::string::npos);
  EXPECT_NE(error_of({{"RANK", "0"}, {"WORLD_SIZE", "4"}, {"LOCAL_RANK", "2"}, {"LOCAL_WORLD_SIZE", "2"},
                      {"MASTER_ADDR", "a"}, {"MASTER_PORT", "1"}}).find("LOCAL_RANK=2"), std::string::npos);
  EXPECT_NE(error_of({{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "2"}, {"PMI_RANK", "1"},
                      {"PMI_SIZE", "2"}}).find("PMI_* says 1 of 2"), std::string::npos);
  EXPECT_NE(error_of({{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "4"}, {"OMPI_COMM_WORLD_LOCAL_RANK", "0"},
                      {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}}).find("several machines"), std::string::npos);
}

TEST(Launch, FirstHostOfASlurmList) {
  EXPECT_EQ(first_host("a1"), "a1");
  EXPECT_EQ(first_host("a1,b2"), "a1");
  EXPECT_EQ(first_host("a[07-12]"), "a07");
  EXPECT_EQ(first_host("a[3,5-9]-ib,b"), "a3-ib");
  for (const char* bad : {"", "[", "a[", "a[]", "a[1", ",b", "a b"}) {
    EXPECT_THROW(first_host(bad), Error) << bad;
  }
}

}  // namespace
}  // namespace athanor
