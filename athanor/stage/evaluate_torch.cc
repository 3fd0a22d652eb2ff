// evaluate's work: model x documents -> report.
#include <ATen/Parallel.h>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/eval/language_model_eval.h"
#include "athanor/model/language_model.h"
#include "athanor/model/nets/net_config.h"
#include "athanor/stage/encode.h"
#include "athanor/stage/evaluate.h"
#include "athanor/stage/net_answers.h"
#include "athanor/stage/torch_verbs.h"

namespace athanor {

nlohmann::json execute_evaluate(StageContext& context) {
  const auto options = load_options<EvaluateOptions>(context.options);
  if (options.threads > 0) {
    at::set_num_threads(static_cast<int>(options.threads));
  }
  const fs::path folder = context.input("model").path;
  if (is_net_folder(folder)) {
    return evaluate_net(context, options);
  }
  const Tokenizer tokenizer = Tokenizer::load(folder);
  const Documents documents = Documents::open(context.input("documents").path);
  const fs::path encoded = context.run.state() / "tokens";
  fs::remove_all(encoded);
  make_dirs(encoded);
  encode_documents(context, documents, tokenizer, encoded, {.threads = static_cast<int>(options.threads)});
  const TokenSet tokens = TokenSet::open(encoded);

  const auto model = load_model(folder);
  model->set_precision(precision_of(options.precision));
  LanguageModelEvalOptions settings;
  settings.sequence_length = options.sequence_length > 0 ? options.sequence_length : model->config().max_positions;
  settings.batch_size = options.batch_size;
  check_interrupt();
  nlohmann::json result = evaluate_language_model(*model, tokens, settings);
  result["documents"] = tokens.num_documents();
  result["sequence_length"] = settings.sequence_length;
  const auto number = [&](const char* name) { return result[name].value("value", 0.0); };
  result["summary"] = "loss " + fixed_number(number("loss"), 4) + " +- " +
                      fixed_number(result["loss"].value("standard_error", 0.0), 4) + " nats a token, perplexity " +
                      human_number(number("perplexity")) + ", " + fixed_number(number("bits_per_byte"), 3) +
                      " bits a byte";
  write_file_atomic(context.run.out_tmp() / "report.json", result.dump(2) + "\n");
  return result;
}

}  // namespace athanor
