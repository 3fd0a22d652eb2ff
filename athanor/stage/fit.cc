// fit: documents -> estimator: a fastText classifier, an n-gram language model, or (fit_table.cc) any model of tables.
#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/thread_pool.h"
#include "athanor/classic/estimator.h"
#include "athanor/classic/fasttext_train.h"
#include "athanor/data/documents/documents.h"
#include "athanor/stage/fit.h"
#include "athanor/stage/fit_table.h"
#include "athanor/stage/labels.h"
#include "athanor/stage/verb_list.h"

namespace athanor {

void NgramFitOptions::fields(Fields<NgramFitOptions>& f) {
  f.add("order", &NgramFitOptions::order, "longest n-gram").range(1, 5);
  f.add("prune", &NgramFitOptions::prune,
        "n-grams seen at most so often are left out, a number an order, as lmplz: [0, 0, 1]");
  f.add("quantise", &NgramFitOptions::quantise, "8 bytes an n-gram instead of 16");
  f.add("arpa", &NgramFitOptions::arpa, "write model.arpa too, for KenLM and SRILM");
  f.add("memory_mb", &NgramFitOptions::memory_mb, "for n-grams; the rest goes to disk").range(1, 1e9).speed();
}

void FitOptions::fields(Fields<FitOptions>& f) {
  f.add("kind", &FitOptions::kind,
        "fasttext: a classifier of texts; ngram: a language model, for perplexities; auto: a ladder of models of tables, "
        "the simplest good one is taken; or one of those models: athanor explain fit lists them");
  f.add("label_field", &FitOptions::label_field,
        "what to predict: a column, a key of meta (text, a number, or a list), or folder");
  f.add("tokens", &FitOptions::tokens,
        "fasttext, ngram: what a token is: words between blanks; characters; mixed: words, but each Chinese or Japanese "
        "character alone; tokenizer: the ids of the tokenizer that is given")
      .choices({"words", "characters", "mixed", "tokenizer"});
  f.add("lowercase", &FitOptions::lowercase, "fasttext, ngram: lower-case the text first");
  f.add("fasttext", &FitOptions::fasttext, "of the classifier");
  f.add("ngram", &FitOptions::ngram, "of the language model");
  add_table_fields(f);
  f.add("seed", &FitOptions::seed, "models of tables: of all that is drawn").range(0, 9e15);
  f.add("threads", &FitOptions::threads, "0: one a core").range(0, 4096).speed();
}

namespace {

TextTokens tokens_of(const StageContext& context, const FitOptions& options) {
  const StageInput* tokenizer = context.find("tokenizer");
  if (options.tokens != "tokenizer") {
    return TextTokens(text_cut(options.tokens, "fit.tokens"), options.lowercase);
  }
  if (tokenizer == nullptr) {
    throw Error(ErrorKind::kUsage, "tokens: tokenizer wants a tokenizer", "fit.tokens",
                "from: {documents: STEP, tokenizer: STEP}");
  }
  return TextTokens(std::make_shared<const Tokenizer>(Tokenizer::load(tokenizer->path)));
}

// Documents from the input, with progress from `from` to `to`.
template <class Fn>
void walk(StageContext& context, const Documents& input, double from, double to, Fn fn) {
  uint64_t bytes = 0;
  const double all = static_cast<double>(std::max<uint64_t>(1, input.text_bytes()));
  size_t index = 0;
  input.for_each([&](uint64_t, Document&& document) {
    check_interrupt();
    bytes += document.text.size();
    fn(index++, document);
    context.progress.update(from + (to - from) * static_cast<double>(bytes) / all,
                            human_bytes(static_cast<double>(bytes)));
  });
}

// Share of the valid documents whose first label is one of theirs; null without such documents.
nlohmann::json accuracy_on_valid(StageContext& context, const FitOptions& options, const Estimator& estimator) {
  const StageInput* valid = context.find("valid");
  if (valid == nullptr) {
    return nullptr;
  }
  const Documents documents = Documents::open(valid->path);
  const DocumentLabels labels(documents, options.label_field);
  uint64_t right = 0;
  uint64_t all = 0;
  EstimatorColumns columns;
  walk(context, documents, 0.95, 1, [&](size_t i, const Document& document) {
    const std::vector<std::string> wanted = labels.of(i, document);
    if (!wanted.empty()) {
      const std::string_view text[] = {document.text};
      estimator.predict(text, columns);
      right += std::find(wanted.begin(), wanted.end(), columns.label[0]) != wanted.end() ? 1 : 0;
      ++all;
    }
  });
  return all == 0 ? nlohmann::json(nullptr) : nlohmann::json(static_cast<double>(right) / static_cast<double>(all));
}

nlohmann::json perplexity_on_valid(StageContext& context, const NgramModel& model, const TextTokens& tokens) {
  const StageInput* valid = context.find("valid");
  if (valid == nullptr) {
    return nullptr;
  }
  NgramScore total;
  walk(context, Documents::open(valid->path), 0.95, 1,
       [&](size_t, const Document& document) { total += model.score(document.text, tokens); });
  return total.perplexity();
}

nlohmann::json fit_fasttext(StageContext& context, const FitOptions& options, ThreadPool& pool) {
  const Documents input = Documents::open(context.input("documents").path);
  const DocumentLabels labels(input, options.label_field);
  EstimatorInfo info;
  info.tokens = tokens_of(context, options);
  info.options = dump_options(options.fasttext, false);
  FastTextTrainer trainer(options.fasttext);
  uint64_t without = 0;
  std::string scratch;
  walk(context, input, 0, 0.2, [&](size_t i, const Document& document) {
    const std::vector<std::string> found = labels.of(i, document);
    if (found.empty()) {
      ++without;
      return;
    }
    const std::vector<std::string_view> views(found.begin(), found.end());
    trainer.add(views, info.tokens.cut(document.text, scratch));
  });
  if (trainer.num_documents() == 0) {
    throw Error(ErrorKind::kInput, "no document has the label field '" + options.label_field + "'", "fit.label_field",
                "a column or a key of meta; athanor show lists them");
  }
  double loss = 0;
  const FastTextModel model = trainer.train(pool, [&](double done, double late_loss) {
    loss = late_loss;
    context.progress.update(0.2 + 0.75 * done, "loss " + fixed_number(late_loss, 3));
  });
  info.trained_on = {{"documents", trainer.num_documents()}, {"tokens", trainer.num_tokens()}, {"labels", model.num_labels}};
  save_estimator(context.run.out_tmp(), model, info);
  const auto estimator = open_estimator(context.run.out_tmp());
  const nlohmann::json accuracy = accuracy_on_valid(context, options, *estimator);
  context.run.events().emit("counts", {{"in", input.num_documents()}, {"without_label", without}});
  std::string summary = grouped_integer(model.num_labels) + " labels from " +
                        grouped_integer(static_cast<int64_t>(trainer.num_documents())) + " documents";
  summary += accuracy.is_null() ? "" : ", accuracy " + human_percent(accuracy.get<double>());
  return {{"kind", "fasttext"},        {"documents", trainer.num_documents()}, {"without_label", without},
          {"labels", model.num_labels}, {"words", model.num_words},             {"loss", loss},
          {"valid_accuracy", accuracy}, {"summary", summary}};
}

nlohmann::json fit_ngram(StageContext& context, const FitOptions& options, ThreadPool& pool) {
  const Documents input = Documents::open(context.input("documents").path);
  EstimatorInfo info;
  info.tokens = tokens_of(context, options);
  info.options = dump_options(options.ngram, false);
  make_dirs(context.run.state());
  NgramTrainOptions train;
  train.order = static_cast<int>(options.ngram.order);
  train.memory_bytes = static_cast<uint64_t>(options.ngram.memory_mb) << 20;
  for (const double count : options.ngram.prune) {
    train.prune.push_back(static_cast<uint64_t>(std::max(0.0, count)));
  }
  NgramTrainer trainer(train, context.run.state(), pool);
  std::string scratch;
  walk(context, input, 0, 0.4, [&](size_t, const Document& document) {
    std::string_view text = document.text;
    while (!text.empty()) {
      const size_t end = std::min(text.find('\n'), text.size());
      trainer.add_sentence(info.tokens.cut(text.substr(0, end), scratch));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  });
  const NgramTables tables =
      trainer.finish([&](double done) { context.progress.update(0.4 + 0.5 * done, "counting and smoothing"); });
  nlohmann::json sizes = nlohmann::json::array();
  nlohmann::json fallbacks = nlohmann::json::array();
  for (int n = 1; n <= tables.order; ++n) {
    sizes.push_back(tables.size(n));
    if (tables.discounts[static_cast<size_t>(n) - 1].fallback) {
      fallbacks.push_back(n);
    }
  }
  info.trained_on = {{"documents", input.num_documents()}, {"tokens", trainer.num_tokens()}};
  save_estimator(context.run.out_tmp(), tables, options.ngram.quantise, options.ngram.arpa, info);
  const NgramModel model = NgramModel::open(context.run.out_tmp() / "model.ngram");
  const nlohmann::json perplexity = perplexity_on_valid(context, model, info.tokens);
  std::string summary = "order " + std::to_string(tables.order) + ", " +
                        grouped_integer(static_cast<int64_t>(trainer.num_tokens())) + " tokens";
  summary += perplexity.is_null() ? "" : ", perplexity " + human_number(perplexity.get<double>());
  return {{"kind", "ngram"},
          {"documents", input.num_documents()},
          {"tokens", trainer.num_tokens()},
          {"ngrams", sizes},
          {"fallback_discounts", fallbacks},
          {"valid_perplexity", perplexity},
          {"summary", summary}};
}

nlohmann::json execute_fit(StageContext& context) {
  const auto options = load_options<FitOptions>(context.options);
  ThreadPool pool(static_cast<int>(options.threads));
  if (fits_tables(options.kind)) {
    return fit_table(context, options, pool);
  }
  return options.kind == "ngram" ? fit_ngram(context, options, pool) : fit_fasttext(context, options, pool);
}

}  // namespace

Verb fit_verb() {
  Verb verb;
  verb.name = "fit";
  verb.summary = "train a classical model: of tables (linear, trees, boosting, SVM, clusters), fastText, or n-grams";
  verb.roles = {{"documents", ArtifactKind::kDocuments, true, "what to learn from"},
                {"valid", ArtifactKind::kDocuments, false, "documents that tell the scores or the perplexity, and boosting with early_stopping when to stop"},
                {"tokenizer", ArtifactKind::kTokenizer, false, "for tokens: tokenizer"}};
  verb.output = ArtifactKind::kEstimator;
  verb.revision = 6;
  verb.schema = schema_of<FitOptions>();
  verb.prepare = prepare_fit;
  verb.notes = fit_notes;
  verb.execute = execute_fit;
  verb.example = "athanor fit from=collect-1a2b3c4d label_field=language fasttext.maxn=4";
  return verb;
}

}  // namespace athanor
