#include "athanor/stage/crew.h"

#include <chrono>
#include <thread>

#include "athanor/base/text.h"
#include "athanor/stage/torch_unit.h"
#include "athanor/stage/verbs.h"

namespace athanor {

namespace {

constexpr double kLeaveSeconds = 3;

std::string order_key(int number) { return "order/" + std::to_string(number); }
std::string opened_key(int number, int rank) { return "opened/" + std::to_string(number) + "/" + std::to_string(rank); }
std::string gone_key(int rank) { return "gone/" + std::to_string(rank); }

nlohmann::json input_json(const StageInput& input) {
  return {{"role", input.role},       {"path", fs::absolute(input.path).string()}, {"id", input.record.id},
          {"run", input.record.run},  {"part", input.record.part},                 {"digest", input.record.digest},
          {"result", input.result}};
}

StageInput input_from(const nlohmann::json& json) {
  StageInput input;
  input.role = json.at("role");
  input.path = json.at("path").get<std::string>();
  input.kind = detect_kind(input.path);
  input.record = {input.role, json.at("id"), json.at("run"), json.at("part"), "", json.at("digest")};
  input.result = json.at("result");
  return input;
}

// One step, as rank 0 ordered it.
void take_part(Session& session, Ranks& ranks, const nlohmann::json& order) {
  const Verb* verb = find_verb(order.at("verb").get<std::string>());
  if (verb == nullptr) {
    throw Error(ErrorKind::kUsage, "rank 0 runs another program: it knows a verb '" + order.at("verb").get<std::string>() + "'",
                "", "start the same program on all ranks");
  }
  std::vector<StageInput> inputs;
  for (const auto& input : order.at("inputs")) {
    inputs.push_back(input_from(input));
  }
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> nowhere(std::fopen("/dev/null", "w"), &std::fclose);
  Progress quiet(nowhere.get(), false);  // rank 0's line is for all
  Run run = Run::of_rank(order.at("dir").get<std::string>(), ranks.launch().rank);
  StageContext context{order.at("options"), inputs, run, quiet, session.digests, order.at("pins"),
                       session.store.cache_dir() / "downloads", {}, false, &ranks};
  try {
    execute_function (*verb)(context);
  } catch (...) {
    const Error error = readable_error();
    run.events().emit("failed", {{"what", error.message()}, {"where", error.where()}});
    throw error;
  }
}

}  // namespace

void Crew::open_devices(const std::vector<std::string>& names) {
  const int number = orders_++;
  ranks_.set(order_key(number), nlohmann::json{{"devices", names}}.dump());
  athanor::open_devices(names);
  for (int rank = 1; rank < ranks_.launch().world; ++rank) {
    ranks_.wait(opened_key(number, rank), "the devices of all ranks");
  }
}

void Crew::join(const StepPlan& step, const StageContext& context) {
  auto inputs = nlohmann::json::array();
  for (const StageInput& input : context.inputs) {
    inputs.push_back(input_json(input));
  }
  const nlohmann::json order{{"verb", step.verb->name}, {"options", step.options}, {"inputs", inputs},
                             {"pins", step.pins},       {"dir", fs::absolute(context.run.dir()).string()}};
  ranks_.set(order_key(orders_++), order.dump());
}

void Crew::dismiss(int exit_code) {
  ranks_.set(order_key(orders_++), nlohmann::json{{"exit_code", exit_code}}.dump());
  wait_until_gone();
}

void Crew::dismiss(const Error& error) {
  if (error.kind() == ErrorKind::kInterrupted) {  // where all ranks paused together the others wait for the next order
    ranks_.set(order_key(orders_++), nlohmann::json{{"exit_code", static_cast<int>(error.kind())}}.dump());
    if (wait_until_gone()) {
      return;
    }
  }
  ranks_.say_failed(error);
  wait_until_gone();
}

bool Crew::wait_until_gone() {
  const double begin = monotonic_time();
  for (int rank = 1; rank < ranks_.launch().world; ++rank) {
    try {
      while (!ranks_.has(gone_key(rank))) {
        if (monotonic_time() - begin > kLeaveSeconds) {
          return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    } catch (const Error&) {
      return false;  // the store went first
    }
  }
  return true;
}

int follow_rank_0(Session& session, Ranks& ranks) {
  const int rank = ranks.launch().rank;
  try {
    for (int number = 0;; ++number) {
      const auto order = nlohmann::json::parse(ranks.wait(order_key(number), "rank 0's next order"));
      if (order.contains("exit_code")) {
        ranks.set(gone_key(rank), "1");
        return order.at("exit_code");
      }
      if (order.contains("devices")) {
        open_devices(order.at("devices").get<std::vector<std::string>>());
        ranks.set(opened_key(number, rank), "1");
        continue;
      }
      take_part(session, ranks, order);
    }
  } catch (...) {
    const Error error = readable_error();
    ranks.say_failed(error);
    try {
      ranks.set(gone_key(rank), "1");
    } catch (const Error&) {
      // nobody is left to tell
    }
    throw Error(error.kind(), error.message(), "rank " + std::to_string(rank) + (error.where().empty() ? "" : ": " + error.where()),
                error.hint());
  }
}

}  // namespace athanor
