// The progress line, drawn into memory under a clock that the test moves.
#include "athanor/base/progress.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "athanor/base/format_width.h"

namespace athanor {
namespace {

class Memory {
 public:
  Memory() : file_(::open_memstream(&data_, &size_)) {}
  ~Memory() {
    std::fclose(file_);
    std::free(data_);
  }
  FILE* file() { return file_; }
  std::string text() {
    std::fflush(file_);
    return std::string(data_, size_);
  }

 private:
  char* data_ = nullptr;
  size_t size_ = 0;
  FILE* file_;
};

class ProgressTest : public testing::Test {
 protected:
  void SetUp() override { ::setenv("NO_COLOR", "1", 1); }
  void TearDown() override { ::unsetenv("NO_COLOR"); }

  Progress::Clock clock() {
    return [this] { return now_; };
  }
  // What each redraw put on the line, the control sequences taken off.
  static std::vector<std::string> frames(const std::string& text) {
    std::vector<std::string> out;
    size_t at = 0;
    while ((at = text.find('\r', at)) != std::string::npos) {
      const size_t end = text.find("\x1b[K", at);
      out.push_back(text.substr(at + 1, end - at - 1));
      at = end;
    }
    return out;
  }

  double now_ = 100;
  Memory memory_;
};

TEST_F(ProgressTest, RedrawsAtMostTenTimesASecond) {
  Progress progress(memory_.file(), true, 80, clock());
  progress.begin("pretrain");
  for (int i = 0; i < 1000; ++i) {
    now_ += 0.001;
    progress.update(i / 1000.0, "loss 3.2");
  }
  const size_t count = frames(memory_.text()).size();
  EXPECT_GE(count, 9u);
  EXPECT_LE(count, 11u);
}

TEST_F(ProgressTest, SteadyWorkGetsAnHonestEta) {
  Progress progress(memory_.file(), true, 100, clock());
  progress.begin("pretrain");
  for (int i = 0; i <= 600; ++i) {  // 600 s in all
    progress.update(i / 600.0, "loss 3.2");
    now_ += 1;
    const std::string last = frames(memory_.text()).back();
    if (i < 2) {
      EXPECT_EQ(last.find("left"), std::string::npos) << last;
    } else if (i == 300) {
      EXPECT_NE(last.find("50 %  about 5 min left  loss 3.2"), std::string::npos) << last;
    }
  }
  EXPECT_EQ(frames(memory_.text()).back().find("left"), std::string::npos);  // at 100 %
}

TEST_F(ProgressTest, NoEtaWhileThePaceChanges) {
  Progress progress(memory_.file(), true, 100, clock());
  progress.begin("x");
  double fraction = 0;
  for (int i = 0; i < 100; ++i, now_ += 1) {
    progress.update(fraction += 0.001, "");
  }
  EXPECT_NE(frames(memory_.text()).back().find("left"), std::string::npos);
  for (int i = 0; i < 8; ++i, now_ += 1) {
    progress.update(fraction += 0.01, "");  // ten times as fast
  }
  EXPECT_EQ(frames(memory_.text()).back().find("left"), std::string::npos);
  for (int i = 0; i < 70; ++i, now_ += 1) {
    progress.update(fraction += 0.001, "");
  }
  EXPECT_NE(frames(memory_.text()).back().find("left"), std::string::npos);
}

TEST_F(ProgressTest, ResumedWorkIsNotCountedAsPace) {
  Progress progress(memory_.file(), true, 100, clock());
  progress.begin("x");
  for (int i = 0; i <= 10; ++i, now_ += 1) {
    progress.update(0.9 + i * 0.001, "");  // starts at 90 %; 9 % left at 0.1 %/s is 90 s
  }
  EXPECT_NE(frames(memory_.text()).back().find("about 1 min left"), std::string::npos)
      << frames(memory_.text()).back();
}

TEST_F(ProgressTest, NeverWiderThanTheTerminal) {
  for (int width = 1; width < 120; ++width) {
    Memory memory;
    Progress progress(memory.file(), true, width, clock());
    progress.begin("预训练 pretrain");
    for (int i = 0; i < 40; ++i, now_ += 0.5) {
      progress.update(i % 2 == 0 ? i / 40.0 : -1,
                      "损失 3.214  12.3k tok/s  mfu 41 %  样本 中文中文中文中文中文");
    }
    for (const std::string& frame : frames(memory.text())) {
      ASSERT_LT(display_width(frame), std::max(width, 1)) << frame;
    }
  }
}

TEST_F(ProgressTest, PermanentLinesStandAboveTheBar) {
  Progress progress(memory_.file(), true, 60, clock());
  progress.begin("clean");
  progress.line("warning: \x1b[31m3 rows\nrejected");
  progress.end("233 documents");
  const std::string text = memory_.text();
  EXPECT_NE(text.find("\r\x1b[Kwarning:  [31m3 rows\nrejected\n\rclean"), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with("\r\x1b[Kclean  233 documents\n")) << text;
}

TEST_F(ProgressTest, PlainLinesEveryTenSeconds) {
  Progress progress(memory_.file(), false, 80, clock());
  progress.begin("pretrain");
  for (int i = 0; i < 310; ++i) {
    now_ += 0.1;
    progress.update(i / 600.0, "loss 3.2");
  }
  progress.end("done");
  const std::string text = memory_.text();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);  // 10 s, 20 s, 30 s, end
  EXPECT_EQ(text.find_first_of("\r\x1b"), std::string::npos);
  EXPECT_NE(text.find("pretrain  16 %  about 50 s left  loss 3.2\n"), std::string::npos) << text;
}

TEST_F(ProgressTest, ColourOnlyWhenWanted) {
  ::unsetenv("NO_COLOR");
  Progress colour(memory_.file(), true, 80, clock());
  ::setenv("NO_COLOR", "1", 1);
  colour.begin("x");
  now_ += 1;
  colour.update(0.5, "");
  EXPECT_NE(memory_.text().find("\x1b[33m"), std::string::npos);
  Memory plain_memory;
  Progress plain(plain_memory.file(), true, 80, clock());
  plain.begin("x");
  now_ += 1;
  plain.update(0.5, "");
  EXPECT_EQ(plain_memory.text().find("\x1b[3"), std::string::npos);
}

TEST_F(ProgressTest, ManyThreads) {
  Progress progress(memory_.file(), true, 80);
  progress.begin("x");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        progress.update(i / 200.0, "a");
        if (i % 50 == 0) {
          progress.line("b");
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  progress.end("done");
  EXPECT_TRUE(memory_.text().ends_with("x  done\n"));
}

}  // namespace
}  // namespace athanor
