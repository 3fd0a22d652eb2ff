#include "athanor/stage/training_words.h"

#include "athanor/base/format.h"

namespace athanor {

namespace {

constexpr size_t kDocumentsTold = 5;

std::string number_or(const nlohmann::json& event, const char* key, const std::string& otherwise) {
  const auto found = event.find(key);
  return found != event.end() && found->is_number() ? human_number(found->get<double>()) : otherwise;
}

std::string action_words(const nlohmann::json& event) {
  const std::string action = event.value("action", "");
  if (action == "skip") {
    return "skip: the update is left out";
  }
  if (action == "rollback") {
    return "rollback: back to step " + grouped_integer(event.value("to_step", int64_t{0}));
  }
  if (action == "ignore") {
    return "ignore: the update is made";
  }
  return "stop: the run ends";
}

// "spike: the loss is not finite; skip: the update is left out; loss not finite, gradient norm 3, documents 863e, 9b21"
std::string spike_words(const nlohmann::json& event) {
  std::string text = "spike: " + event.value("reason", "") + "; " + action_words(event) + "; loss " +
                     number_or(event, "loss", "not finite") + ", gradient norm " + number_or(event, "grad_norm", "not finite");
  const auto documents = event.value("documents", nlohmann::json::array());
  for (size_t i = 0; i < std::min(documents.size(), kDocumentsTold); ++i) {
    text += (i == 0 ? ", documents " : ", ") + (documents[i].is_string() ? documents[i].get<std::string>() : documents[i].dump());
  }
  if (documents.size() > kDocumentsTold) {
    text += " and " + grouped_integer(static_cast<int64_t>(documents.size() - kDocumentsTold)) + " more";
  }
  return text;
}

}  // namespace

std::string training_words(const nlohmann::json& event) {
  const std::string type = event.value("type", "");
  if (type == "decision") {
    return event.value("what", "") + ": " + event.value("why", "");
  }
  if (type == "spike") {
    return spike_words(event);
  }
  return type == "warning" ? "warning: " + event.value("what", "") : "";
}

std::string early_end(const nlohmann::json& result) {
  const auto steps = result.value("steps", int64_t{0});
  const auto planned = result.value("planned_steps", int64_t{0});
  return steps >= planned ? "" : "ended at step " + grouped_integer(steps) + " of " + grouped_integer(planned);
}

void Overflows::see(const nlohmann::json& event) {
  if (event.value("type", "") == "overflow") {
    ++count;
    loss_scale = event.value("loss_scale", 0.0);
  }
}

std::string Overflows::text() const {
  return count == 0 ? ""
                    : "fp16 overflowed: " + grouped_integer(count) + (count == 1 ? " update" : " updates") +
                          " left out, the loss scale is " + human_number(loss_scale) + " since";
}

void TrainingRemarks::see(const nlohmann::json& event) {
  overflows_.see(event);
  const bool resumed = event.value("type", "") == "resumed";
  const std::string words = resumed ? "resumed" : training_words(event);
  if (words.empty()) {
    return;
  }
  if (first_.size() == kMost) {
    ++more_;
    return;
  }
  first_.push_back(event.contains("step") ? "step " + grouped_integer(event.value("step", int64_t{0})) + ": " + words : words);
}

std::vector<std::string> TrainingRemarks::texts() const {
  std::vector<std::string> all = first_;
  if (more_ > 0) {
    all.push_back("and " + grouped_integer(static_cast<int64_t>(more_)) + " more: events.jsonl in the run");
  }
  if (overflows_.count > 0) {
    all.push_back(overflows_.text());
  }
  return all;
}

}  // namespace athanor
