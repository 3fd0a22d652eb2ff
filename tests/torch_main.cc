// main() of the tests below the torch line. Each test begins with LibTorch's generator at the same place: its own seed
// is another at every start, and a test of learning then fails once in a dozen runs.
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

namespace {

class Seed : public testing::EmptyTestEventListener {
  void OnTestStart(const testing::TestInfo&) override {
    at::Generator generator = at::detail::getDefaultCPUGenerator();
    generator.set_current_seed(20240711);
  }
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  testing::UnitTest::GetInstance()->listeners().Append(new Seed);
  return RUN_ALL_TESTS();
}
