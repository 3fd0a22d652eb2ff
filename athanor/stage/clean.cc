// clean: documents -> documents, by a chain of normalisers and filters.
#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/thread_pool.h"
#include "athanor/clean/step.h"
#include "athanor/data/documents.h"
#include "athanor/data/rejected.h"
#include "athanor/stage/verb_list.h"

namespace athanor {

namespace {

constexpr size_t kBatchDocuments = 256;
constexpr size_t kBatchBytes = size_t{32} << 20;

struct CleanOptions {
  nlohmann::json rules = nlohmann::json::array({"normalize", {{"length", {{"min_chars", 20}}}}});
  int64_t threads = 0;
  static void fields(Fields<CleanOptions>& f) {
    f.add("rules", &CleanOptions::rules, "the chain, in order: names, or {name: {option: value}}; see athanor explain clean");
    f.add("threads", &CleanOptions::threads, "0: one a core").range(0, 4096).speed();
  }
};

// The chain with every default written out.
void prepare_clean(nlohmann::json& resolved) { resolved["rules"] = CleanChain(resolved["rules"], "clean.rules").resolved(); }

class Cleaner {
 public:
  Cleaner(StageContext& context, const CleanOptions& options)
      : context_(context),
        chain_(options.rules),
        pool_(static_cast<int>(options.threads)),
        writer_(context.run.out_tmp()),
        rejects_(context.run.rejected()) {}

  void add(Document&& document) {
    batch_bytes_ += document.text.size();
    bytes_in_ += document.text.size();
    batch_.push_back(std::move(document));
    if (batch_.size() >= kBatchDocuments || batch_bytes_ >= kBatchBytes) {
      flush();
    }
  }

  nlohmann::json finish(uint64_t num_in) {
    flush();
    writer_.finish();
    rejects_.finish();
    const uint64_t kept = writer_.num_documents();
    nlohmann::json dropped = nlohmann::json::object();
    for (const auto& [reason, count] : rejects_.counts()) {
      dropped[reason] = count;
    }
    if (kept == 0) {
      throw Error(ErrorKind::kInput, "every document was dropped: " + dropped.dump(), "",
                  "look at " + (context_.run.rejected() / "rejected.jsonl").string() + " and loosen clean.rules");
    }
    context_.run.events().emit("counts", {{"in", num_in}, {"out", kept}, {"dropped", dropped}});
    return {{"documents_in", num_in},
            {"documents", kept},
            {"text_bytes_in", bytes_in_},
            {"text_bytes", writer_.text_bytes()},
            {"dropped", dropped},
            {"summary", grouped_integer(static_cast<int64_t>(num_in)) + " -> " +
                            grouped_integer(static_cast<int64_t>(kept)) + " documents, " +
                            human_bytes(static_cast<double>(writer_.text_bytes()))}};
  }

 private:
  void flush() {
    std::vector<ChainVerdict> results(batch_.size());
    pool_.parallel_for(batch_.size(), [&](size_t i) { results[i] = chain_.run(batch_[i].text); });
    for (size_t i = 0; i < batch_.size(); ++i) {
      if (results[i].keep) {
        writer_.add(batch_[i]);  // keeps its id: the document is the same one, cleaned
      } else {
        const std::string step = results[i].step.empty() ? "" : results[i].step + ": ";
        rejects_.add({step + results[i].reason, batch_[i].source, batch_[i].span_begin, batch_[i].text});
      }
    }
    batch_.clear();
    batch_bytes_ = 0;
  }

  StageContext& context_;
  CleanChain chain_;
  ThreadPool pool_;
  DocumentWriter writer_;
  RejectLog rejects_;
  std::vector<Document> batch_;
  size_t batch_bytes_ = 0;
  uint64_t bytes_in_ = 0;
};

nlohmann::json execute_clean(StageContext& context) {
  const auto options = load_options<CleanOptions>(context.options);
  const Documents input = Documents::open(context.input("documents").path);
  Cleaner cleaner(context, options);
  uint64_t done = 0;
  input.for_each([&](uint64_t, Document&& document) {
    check_interrupt();
    cleaner.add(std::move(document));
    ++done;
    context.progress.update(static_cast<double>(done) / static_cast<double>(input.num_documents()),
                            grouped_integer(static_cast<int64_t>(done)) + " documents");
  });
  return cleaner.finish(done);
}

}  // namespace

Verb clean_verb() {
  Verb verb;
  verb.name = "clean";
  verb.summary = "normalise text and drop documents by rules";
  verb.roles = {{"documents", ArtifactKind::kDocuments, true, "what to clean"}};
  verb.output = ArtifactKind::kDocuments;
  verb.schema = schema_of<CleanOptions>();
  verb.prepare = prepare_clean;
  verb.execute = execute_clean;
  verb.example = "athanor clean from=collect-1a2b3c4d 'rules=[normalize, {length: {min_chars: 200}}, gopher_quality]'";
  return verb;
}

}  // namespace athanor
