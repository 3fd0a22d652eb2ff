// What a person is told of a training run, in the same words in the terminal and on the page.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace athanor {

// "end of training: loss above 4 for 2 looks: 5.1": a decision, spike or warning of events.jsonl; empty for other events. Of a
// spike's documents the first five: the event holds all.
std::string training_words(const nlohmann::json& event);

// "ended at step 3 of 12"; empty where a result's steps are those that were planned.
std::string early_end(const nlohmann::json& result);

// fp16 updates that were left out: counted, not told one by one.
struct Overflows {
  int64_t count = 0;
  double loss_scale = 0;  // after the last one
  void see(const nlohmann::json& event);
  std::string text() const;  // empty for none
};

// A run's log as remarks for its page: at most kMost, then how many more there are. Overflows make one.
class TrainingRemarks {
 public:
  static constexpr size_t kMost = 20;
  void see(const nlohmann::json& event);
  std::vector<std::string> texts() const;

 private:
  std::vector<std::string> first_;
  size_t more_ = 0;
  Overflows overflows_;
};

}  // namespace athanor
