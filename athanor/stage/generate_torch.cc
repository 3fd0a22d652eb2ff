// generate's work (prompts -> continuations) and chat's.
#include <ATen/Parallel.h>
#include <signal.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <iostream>

#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/text.h"
#include "athanor/infer/engine.h"
#include "athanor/model/language_model.h"
#include "athanor/stage/chat_prompt.h"
#include "athanor/stage/evaluate.h"
#include "athanor/stage/torch_verbs.h"
#include "athanor/token/tokenizer.h"

namespace athanor {

namespace {

SampleOptions sampling(const GenerateOptions& options) {
  SampleOptions sample;
  sample.temperature = options.temperature;
  sample.top_k = options.top_k;
  sample.top_p = options.top_p;
  sample.seed = static_cast<uint64_t>(options.seed);
  sample.max_tokens = options.max_tokens;
  validate(sample);
  return sample;
}

std::string sampling_text(const GenerateOptions& options) {
  return "temperature " + human_number(options.temperature) + ", top-k " + std::to_string(options.top_k) + ", top-p " +
         human_number(options.top_p) + ", seed " + std::to_string(options.seed);
}

// A signal handler can reach nothing but static storage.
volatile std::sig_atomic_t chat_signals = 0;

// Ctrl-C in a chat: it stops an answer, or ends the chat at the prompt; there is no state to speak of.
class ChatInterrupts {
 public:
  ChatInterrupts() {
    struct sigaction action {};
    action.sa_handler = [](int) { chat_signals = 1; };
    ::sigaction(SIGINT, &action, &before_);
  }
  ~ChatInterrupts() { ::sigaction(SIGINT, &before_, nullptr); }
  ChatInterrupts(const ChatInterrupts&) = delete;
  ChatInterrupts& operator=(const ChatInterrupts&) = delete;

 private:
  struct sigaction before_ {};
};

std::unique_ptr<LanguageModel> open_model(const fs::path& folder, const GenerateOptions& options) {
  if (options.threads > 0) {
    at::set_num_threads(static_cast<int>(options.threads));
  }
  auto model = load_model(folder);
  model->set_precision(precision_of(options.precision));
  return model;
}

}  // namespace

nlohmann::json execute_generate(StageContext& context) {
  const auto options = load_options<GenerateOptions>(context.options);
  const fs::path folder = context.input("model").path;
  const Tokenizer tokenizer = Tokenizer::load(folder);
  const int32_t start = start_token(folder);
  const SampleOptions sample = sampling(options);
  const auto model = open_model(folder, options);
  auto samples = nlohmann::json::array();
  uint64_t tokens = 0;
  const double begin = monotonic_time();
  for (const auto& prompt : options.prompts) {
    const std::vector<int32_t> ids = continuation_ids(tokenizer, start, prompt);
    const Generation answer = generate(*model, ids, sample, [&](int32_t) {
      context.progress.update(static_cast<double>(samples.size()) / static_cast<double>(options.prompts.size()), "");
      return !interrupted();
    });
    check_interrupt();
    tokens += answer.ids.size();
    const std::string text = tokenizer.decode(answer.ids);
    samples.push_back({{"prompt", prompt},
                       {"text", text},
                       {"tokens", answer.ids.size()},
                       {"finish", name_of(answer.finish)},
                       {"how", sampling_text(options)}});
    context.run.events().emit("sample", samples.back());
  }
  nlohmann::json result{{"samples", samples}, {"tokens", tokens}};
  write_file_atomic(context.run.out_tmp() / "report.json", result.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  const double seconds = monotonic_time() - begin;
  result["summary"] = std::to_string(samples.size()) + (samples.size() == 1 ? " answer, " : " answers, ") +
                      human_rate(static_cast<double>(tokens) / std::max(seconds, 1e-9), "tok");
  return result;
}

nlohmann::json execute_chat(StageContext& context) {
  const auto options = load_options<ChatOptions>(context.options);
  const fs::path folder = context.input("model").path;
  const Tokenizer tokenizer = Tokenizer::load(folder);
  ChatPrompt prompt(folder, tokenizer, options.system);
  const SampleOptions sample = sampling(options);
  const auto model = open_model(folder, options);
  Engine engine(*model);
  const bool json = context.options.value("json", false);  // --json: one object a turn
  const bool terminal = ::isatty(STDIN_FILENO) != 0 && !json;
  const ChatInterrupts interrupts;
  if (terminal) {
    std::printf("%s, %s\n%s An empty line or Ctrl-D ends; Ctrl-C stops an answer.\n", folder.string().c_str(),
                sampling_text(options).c_str(),
                prompt.has_template() ? "Write, and the model answers, by its chat template."
                                      : "Write, and the model goes on (it has no chat template).");
  }
  std::string line;
  uint64_t turns = 0;
  uint64_t tokens = 0;
  while (!interrupted() && chat_signals == 0) {
    if (terminal) {
      std::printf("\n> ");
      std::fflush(stdout);
    }
    if (!std::getline(std::cin, line) || line.empty()) {
      break;
    }
    StreamDecoder decoder(tokenizer);
    SampleOptions turn = sample;
    turn.seed = sample.seed + turns;
    const Generation answer = engine.generate(prompt.ask(line), turn, [&](int32_t id) {
      const std::string piece = decoder.push(id);
      if (!json) {
        std::fputs(piece.c_str(), stdout);
        std::fflush(stdout);
      }
      return !interrupted() && chat_signals == 0;
    });
    chat_signals = 0;  // it stopped the answer, and no more
    if (!json) {
      std::printf("%s\n", decoder.finish().c_str());
    }
    ++turns;
    tokens += answer.ids.size();
    prompt.answered(tokenizer.decode(answer.ids));
    const nlohmann::json turn_json{{"prompt", line}, {"text", tokenizer.decode(answer.ids)}};
    context.run.events().emit("turn", turn_json);
    if (json) {
      std::printf("%s\n", turn_json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
      std::fflush(stdout);
    }
  }
  if (terminal && chat_signals != 0) {
    std::printf("\n");
  }
  return {{"turns", turns}, {"tokens", tokens}, {"summary", std::to_string(turns) + " turns"}};
}

}  // namespace athanor
