// decontaminate: documents x documents (evaluation sets, role against) -> documents, without what they hold of the
// sets. Every run plants canaries in what it searches, and reports how many it found.
#include <xxhash.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <set>
#include <sstream>

#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/thread_pool.h"
#include "athanor/base/unicode.h"
#include "athanor/clean/near/canary.h"
#include "athanor/data/documents/documents.h"
#include "athanor/stage/document_parts.h"
#include "athanor/stage/verb_list.h"

namespace athanor {

namespace {

constexpr double kHosts = 100;             // documents that canaries are planted in
constexpr size_t kHostBytes = 20000;       // of each
constexpr size_t kTextsATask = 16;

struct DecontaminateRecipe {
  std::vector<std::string> question_fields;
  std::vector<std::string> answer_fields{"answer", "answers", "target", "label_text"};
  int64_t ngram = 13;
  double overlap = 0.6;
  int64_t long_run = 50;
  std::string action = "drop";
  std::string mask_with;
  int64_t canaries = 200;
  int64_t seed = 1;
  int64_t threads = 0;
  static void fields(Fields<DecontaminateRecipe>& f) {
    f.add("question_fields", &DecontaminateRecipe::question_fields,
          "fields of an item's meta that make the question, in order; none: the item's text");
    f.add("answer_fields", &DecontaminateRecipe::answer_fields,
          "fields of its meta that hold answers (text or lists of it): a short item must have one near it");
    f.add("ngram", &DecontaminateRecipe::ngram,
          "words (Chinese: characters) from which an item is found by a part of it; shorter ones only whole")
        .range(5, 64);
    f.add("overlap", &DecontaminateRecipe::overlap, "weighted share of a long item's words that makes it found")
        .range(0.1, 1);
    f.add("long_run", &DecontaminateRecipe::long_run, "so many words in a row make an item found by themselves")
        .range(5, 1e6);
    f.add("action", &DecontaminateRecipe::action, "drop the document, or mask the place").choices({"drop", "mask"});
    f.add("mask_with", &DecontaminateRecipe::mask_with, "what stands in the place of a masked item");
    f.add("canaries", &DecontaminateRecipe::canaries, "items planted to measure the run; 0: none").range(0, 100000);
    f.add("seed", &DecontaminateRecipe::seed, "of the choice of canaries").range(0, 9e15);
    f.add("threads", &DecontaminateRecipe::threads, "0: one a core").range(0, 4096).speed();
  }
};

struct Verdict {
  double score = 0;
  uint32_t item = 0;
  uint32_t run = 0;
  bool flagged = false;
  std::vector<std::pair<uint32_t, uint32_t>> spans;  // of the flagging items, in bytes
};

std::vector<EvalItem> read_items(const fs::path& sets, const DecontaminateRecipe& recipe) {
  std::vector<EvalItem> items;
  Documents::open(sets).for_each([&](uint64_t, Document&& document) {
    items.push_back(make_eval_item(std::move(document.id), std::move(document.text), document.meta,
                                   recipe.question_fields, recipe.answer_fields));
  });
  return items;
}

class Decontamination {
 public:
  Decontamination(StageContext& context, const DecontaminateRecipe& recipe)
      : context_(context),
        recipe_(recipe),
        input_(Documents::open(context.input("documents").path)),
        index_(read_items(context.input("against").path, recipe),
               {recipe.ngram, recipe.overlap, recipe.long_run}),
        pool_(static_cast<int>(recipe.threads)),
        journal_(context.run.state() / "parts", context.shard) {}

  nlohmann::json run() {
    search();
    if (!context_.shard.whole()) {
      return nlohmann::json::object();
    }
    std::vector<uint64_t> counts(index_.num_seeds());
    for (const fs::path& part : parts_) {
      const std::string bytes = read_file(part / "seeds.bin");
      for (size_t at = 0; at + 8 <= bytes.size(); at += 8) {
        uint32_t pair[2];
        std::memcpy(pair, bytes.data() + at, sizeof pair);
        counts.at(pair[0]) += pair[1];
      }
    }
    const ItemWeights weights(index_, counts, input_.num_documents());
    judge(weights);
    nlohmann::json result = write();
    result["items_common"] = count_items([&](uint32_t item) { return weights.is_common(item); });
    result["canaries"] = measure(weights);
    return result;
  }

 private:
  void search();
  void search_part(const std::vector<Document>& documents, uint64_t first, const fs::path& folder);
  void judge(const ItemWeights& weights);
  nlohmann::json write();
  void write_masked(const std::vector<Column>& columns);
  nlohmann::json measure(const ItemWeights& weights) const;
  bool is_host(const std::string& id) const {
    const double share = kHosts / static_cast<double>(std::max<uint64_t>(1, input_.num_documents()));
    const uint64_t hash = XXH3_64bits_withSeed(id.data(), id.size(), static_cast<uint64_t>(recipe_.seed));
    return static_cast<double>(hash) < share * 0x1p64;
  }
  template <class Fn>
  size_t count_items(Fn&& fn) const {
    size_t count = 0;
    for (uint32_t item = 0; item < index_.items().size(); ++item) {
      count += index_.item(item).searched && fn(item) ? 1 : 0;
    }
    return count;
  }

  StageContext& context_;
  const DecontaminateRecipe& recipe_;
  const Documents input_;
  const EvalIndex index_;
  ThreadPool pool_;
  PartJournal journal_;
  std::vector<fs::path> parts_;
  std::map<uint64_t, Verdict> verdicts_;  // by place among the kept rows
};

void Decontamination::search() {
  for_each_part(input_, journal_, context_, [&](const DocumentPart& part) {
    if (part.documents != nullptr) {
      journal_.write(part.key, [&](const fs::path& folder) { search_part(*part.documents, part.first, folder); });
    }
    parts_.push_back(journal_.path(part.key));
    context_.progress.update(0.9 * part.share_done, human_bytes(static_cast<double>(part.bytes_done)));
  });
}

// matches.jsonl, seeds.bin (pairs of u32: seed, documents that hold it), hosts.jsonl (texts for canaries).
void Decontamination::search_part(const std::vector<Document>& documents, uint64_t first,
                                  const fs::path& folder) {
  std::vector<std::string> lines(documents.size());
  std::vector<std::atomic<uint32_t>> counts(index_.num_seeds());
  const size_t tasks = (documents.size() + kTextsATask - 1) / kTextsATask;
  pool_.parallel_for(tasks, [&](size_t task) {
    EvalIndex::Scratch scratch;
    EvalIndex::Found found;
    for (size_t i = task * kTextsATask; i < std::min(documents.size(), (task + 1) * kTextsATask); ++i) {
      index_.find(documents[i].text, scratch, found);
      for (const ItemMatch& match : found.matches) {
        lines[i] += match_to_line(match, first + i);
      }
      for (const uint32_t seed : found.seeds) {
        counts[seed].fetch_add(1, std::memory_order_relaxed);
      }
    }
  });
  FileWriter matches(folder / "matches.jsonl");
  FileWriter hosts(folder / "hosts.jsonl");
  for (size_t i = 0; i < documents.size(); ++i) {
    matches.write(lines[i]);
    if (is_host(documents[i].id)) {
      hosts.write(nlohmann::json{{"id", documents[i].id}, {"text", utf8_prefix(documents[i].text, kHostBytes)}}.dump() +
                  "\n");
    }
  }
  FileWriter seeds(folder / "seeds.bin");
  for (uint32_t seed = 0; seed < counts.size(); ++seed) {
    const uint32_t pair[2] = {seed, counts[seed].load()};
    if (pair[1] > 0) {
      seeds.write({reinterpret_cast<const char*>(pair), sizeof pair});
    }
  }
  matches.close();
  hosts.close();
  seeds.close();
}

template <class Fn>
void for_each_json(const fs::path& path, Fn&& fn) {
  std::istringstream in(read_file(path));
  for (std::string line; std::getline(in, line);) {
    fn(nlohmann::json::parse(line));
  }
}

void Decontamination::judge(const ItemWeights& weights) {
  for (const fs::path& part : parts_) {
    for_each_json(part / "matches.jsonl", [&](const nlohmann::json& json) {
      const ItemMatch match = match_of_json(json);
      const double score = weights.score(match);
      const bool flags = weights.flags(match);
      if (score <= 0) {
        return;
      }
      Verdict& verdict = verdicts_[json.at("row").get<uint64_t>()];
      // The best item; of equals the one whose id is first.
      const bool better = flags != verdict.flagged ? flags
                          : score != verdict.score
                              ? score > verdict.score
                              : index_.items()[match.item].id < index_.items()[verdict.item].id;
      if (better) {
        verdict.score = score;
        verdict.item = match.item;
        verdict.run = match.run;
      }
      verdict.flagged = verdict.flagged || flags;
      if (flags) {
        verdict.spans.emplace_back(match.begin, match.end);
      }
    });
  }
}

nlohmann::json Decontamination::write() {
  const bool drop = recipe_.action == "drop";
  std::vector<bool> keep(input_.num_rows(), true);
  std::vector<std::string> item(input_.num_rows());
  std::vector<double> overlap(input_.num_rows(), 0);
  std::vector<int64_t> run(input_.num_rows(), 0);
  uint64_t place = 0, flagged = 0;
  std::set<uint32_t> items_hit;
  for (uint64_t row = 0; row < input_.num_rows(); ++row) {
    if (!input_.keep()[row]) {
      continue;
    }
    const auto verdict = verdicts_.find(place++);
    if (verdict == verdicts_.end()) {
      continue;
    }
    const Verdict& it = verdict->second;
    item[row] = index_.items()[it.item].id;
    overlap[row] = it.score;
    run[row] = it.run;
    if (it.flagged) {
      ++flagged;
      items_hit.insert(it.item);
      keep[row] = !drop;
    }
  }
  std::vector<Column> columns{{"contamination_item", std::move(item)},
                              {"contamination", std::move(overlap)},
                              {"contamination_run", std::move(run)}};
  if (drop) {
    write_filtered(context_.run.out_tmp(), input_, keep, columns);
  } else {
    write_masked(columns);
  }
  const uint64_t kept = input_.num_documents() - (drop ? flagged : 0);
  context_.run.events().emit("counts", {{"in", input_.num_documents()},
                                        {"out", kept},
                                        {"dropped", {{"contaminated", drop ? flagged : 0}}}});
  return {{"documents_in", input_.num_documents()},
          {"documents", kept},
          {"text_bytes_in", input_.text_bytes()},
          {"contaminated", flagged},
          {"dropped", {{"contaminated", drop ? flagged : 0}}},
          {"items", index_.items().size()},
          {"items_found", items_hit.size()},
          {"items_too_short", index_.num_too_short()},
          {"summary", grouped_integer(static_cast<int64_t>(flagged)) + " of " +
                          grouped_integer(static_cast<int64_t>(input_.num_documents())) + " documents contaminated"}};
}

// The kept rows with the places of flagged items replaced, in shards of this run's own; the columns beside them.
void Decontamination::write_masked(const std::vector<Column>& columns) {
  const fs::path text = context_.run.out_tmp() / "text";
  DocumentWriter writer(text);
  uint64_t place = 0;
  input_.for_each([&](uint64_t, Document&& document) {
    check_interrupt();
    const auto verdict = verdicts_.find(place++);
    if (verdict != verdicts_.end() && verdict->second.flagged) {
      std::vector<std::pair<uint32_t, uint32_t>> spans = verdict->second.spans;
      std::sort(spans.begin(), spans.end());
      std::string masked;
      uint32_t done = 0;
      for (const auto& [begin, end] : spans) {
        if (end <= done) {
          continue;
        }
        masked += done <= begin ? document.text.substr(done, begin - done) + recipe_.mask_with : "";
        done = end;
      }
      document.text = masked + document.text.substr(done);
    }
    writer.add(document);
  });
  writer.finish();
  std::vector<Column> kept;
  for (const Column& column : columns) {
    kept.push_back({column.name, std::visit(
                                     [&](const auto& values) -> ColumnValues {
                                       std::decay_t<decltype(values)> some;
                                       for (size_t row = 0; row < values.size(); ++row) {
                                         if (input_.keep()[row]) {
                                           some.push_back(values[row]);
                                         }
                                       }
                                       return some;
                                     },
                                     column.values)});
  }
  add_columns_of(input_, kept);
  write_filtered(context_.run.out_tmp(), Documents::open(text), {}, kept);
}

nlohmann::json Decontamination::measure(const ItemWeights& weights) const {
  if (recipe_.canaries == 0) {
    return nullptr;
  }
  std::vector<CanaryHost> hosts;
  for (const fs::path& part : parts_) {
    for_each_json(part / "hosts.jsonl", [&](const nlohmann::json& json) {
      hosts.push_back({json.at("id"), json.at("text")});
    });
  }
  std::sort(hosts.begin(), hosts.end(), [](const CanaryHost& a, const CanaryHost& b) {
    return a.id != b.id ? a.id < b.id : a.text < b.text;
  });
  EvalIndex::Scratch scratch;
  EvalIndex::Found found;
  const auto flagging = [&](const std::string& text) {
    std::set<uint32_t> items;
    index_.find(text, scratch, found);
    for (const ItemMatch& match : found.matches) {
      if (weights.flags(match)) {
        items.insert(match.item);
      }
    }
    return items;
  };
  std::vector<std::set<uint32_t>> of_host;
  for (const CanaryHost& host : hosts) {
    of_host.push_back(flagging(host.text));
  }
  CanaryScore total;
  std::map<std::string, std::pair<size_t, size_t>> kinds;  // canaries, flagged
  for (const Canary& canary :
       make_canaries(index_, hosts, static_cast<size_t>(recipe_.canaries), static_cast<uint64_t>(recipe_.seed))) {
    if (weights.is_common(canary.item)) {
      continue;  // not searched for, and reported as items_common
    }
    const std::set<uint32_t> items = flagging(canary.text);
    const bool flagged = std::any_of(items.begin(), items.end(), [&](uint32_t item) {
      return hosts.empty() || !of_host[canary.host].contains(item);
    });
    auto& [count, hits] = kinds[std::string(name_of(canary.kind)) + (canary.is_long ? " long" : " short")];
    ++count;
    hits += flagged ? 1 : 0;
    (is_control(canary.kind) ? total.controls : total.planted) += 1;
    (is_control(canary.kind) ? total.false_alarms : total.found) += flagged ? 1 : 0;
  }
  nlohmann::json by_kind = nlohmann::json::object();
  for (const auto& [kind, counts] : kinds) {
    by_kind[kind] = {{"canaries", counts.first}, {"flagged", counts.second}};
  }
  return {{"planted", total.planted},           {"found", total.found},
          {"controls", total.controls},         {"false_alarms", total.false_alarms},
          {"recall", total.recall()},           {"precision", total.precision()},
          {"by_kind", std::move(by_kind)}};
}

nlohmann::json execute_decontaminate(StageContext& context) {
  const auto recipe = load_options<DecontaminateRecipe>(context.options);
  return Decontamination(context, recipe).run();
}

}  // namespace

Verb decontaminate_verb() {
  Verb verb;
  verb.name = "decontaminate";
  verb.summary = "drop or mask documents that hold items of evaluation sets, and measure that on planted canaries";
  verb.roles = {{"documents", ArtifactKind::kDocuments, true, "what to search"},
                {"against", ArtifactKind::kDocuments, true, "the evaluation sets: an item a document"}};
  verb.output = ArtifactKind::kDocuments;
  verb.schema = schema_of<DecontaminateRecipe>();
  verb.resumable = true;
  verb.shards = true;
  verb.execute = execute_decontaminate;
  verb.example = "athanor decontaminate 'from={documents: dedup-1a2b3c4d, against: collect-5e6f7a8b}' action=mask";
  return verb;
}

}  // namespace athanor
