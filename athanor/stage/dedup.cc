// dedup: documents -> documents, without exact and near duplicates. Of whole documents text is not copied; repeated
// paragraphs, lines and passages are cut out (dedup_repeats.cc).
#include "athanor/stage/dedup.h"

#include <algorithm>
#include <cstdio>

#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/nearest.h"
#include "athanor/base/thread_pool.h"
#include "athanor/clean/near/duplicates.h"
#include "athanor/clean/near/signer.h"
#include "athanor/data/documents/documents_columns.h"
#include "athanor/stage/document_parts.h"
#include "athanor/stage/verb_list.h"

namespace athanor {

void DedupRecipe::fields(Fields<DedupRecipe>& f) {
  f.add("unit", &DedupRecipe::unit,
        "what is compared: whole documents; or what is cut out where it stands again: paragraphs, lines, passages")
      .choices({"document", "paragraph", "line", "passage"});
  f.add("method", &DedupRecipe::method,
        "of documents. exact: equal texts only; minhash: near duplicates too, verified; simhash: 64 bits that differ in "
        "few places")
      .choices({"exact", "minhash", "simhash"});
  f.add("bands", &DedupRecipe::bands, "bands of the MinHash signature").range(1, 512);
  f.add("rows", &DedupRecipe::rows, "hashes a band").range(1, 512);
  f.add("band_sets", &DedupRecipe::band_sets, "times the hashes are cut into bands: 1 as published, 2 finds more")
      .range(1, 16);
  f.add("ngram", &DedupRecipe::ngram, "words (Chinese: characters) a shingle").range(1, 64);
  f.add("threshold", &DedupRecipe::threshold, "true Jaccard from which two texts are duplicates").range(0, 1);
  f.add("hamming", &DedupRecipe::hamming, "simhash: bits that may differ").range(0, 8);
  f.add("compare", &DedupRecipe::compare,
        "plain: words as they stand in lower case; published: as datatrove, without accents and the values of numbers")
      .choices({"plain", "published"});
  f.add("seed", &DedupRecipe::seed, "of the hash functions").range(0, 9e15);
  f.add("keep", &DedupRecipe::keep,
        "which document of a cluster stays: quality, source, longest, id, in the order that decides; id always ends it");
  f.add("quality_column", &DedupRecipe::quality_column, "for keep: quality; a number column, higher is better");
  f.add("source_priority", &DedupRecipe::source_priority,
        "for keep: source; beginnings of source names, the best first; the others come last");
  f.add("min_chars", &DedupRecipe::min_chars, "paragraph, line: shorter ones are left alone").range(1, 1e9);
  f.add("min_words", &DedupRecipe::min_words, "passage: words (Chinese: characters) from which a repeat is cut out")
      .range(5, 10000);
  f.add("save_index", &DedupRecipe::save_index, "keep the signatures in out/index, for another run's against:");
  f.add("memory_mb", &DedupRecipe::memory_mb, "for sorting; the rest goes to disk").range(1, 1e9).speed();
  f.add("threads", &DedupRecipe::threads, "0: one a core").range(0, 4096).speed();
}

namespace {

KeepRule keep_rule(const DedupRecipe& recipe) {
  KeepRule rule;
  rule.order.clear();
  for (const std::string& name : recipe.keep) {
    if (name == "quality") {
      rule.order.push_back(KeepRule::By::kQuality);
    } else if (name == "source") {
      rule.order.push_back(KeepRule::By::kSource);
    } else if (name == "longest") {
      rule.order.push_back(KeepRule::By::kLongest);
    } else if (name == "id") {
      rule.order.push_back(KeepRule::By::kId);
    } else {
      throw Error(ErrorKind::kUsage, "keep has '" + name + "'", "dedup.keep",
                  did_you_mean(name, {"quality", "source", "longest", "id"}));
    }
  }
  return rule;
}

bool keeps_by(const DedupRecipe& recipe, const char* name) {
  return std::find(recipe.keep.begin(), recipe.keep.end(), name) != recipe.keep.end();
}

DedupOptions dedup_options(const DedupRecipe& recipe) {
  DedupOptions options;
  options.method = recipe.method;
  options.bands = recipe.bands;
  options.rows = recipe.rows;
  options.band_sets = recipe.band_sets;
  options.ngram = recipe.ngram;
  options.threshold = recipe.threshold;
  options.hamming = recipe.hamming;
  options.compare = recipe.compare;
  options.seed = static_cast<uint64_t>(recipe.seed);
  options.keep = keep_rule(recipe);
  options.memory_bytes = static_cast<uint64_t>(recipe.memory_mb) << 20;
  return options;
}

void prepare_dedup(nlohmann::json& resolved) {
  const auto recipe = load_options<DedupRecipe>(resolved);
  check_dedup_options(dedup_options(recipe));
  if (keeps_by(recipe, "quality") && recipe.quality_column.empty()) {
    throw Error(ErrorKind::kUsage, "keep names quality, but no column", "dedup.keep", "give quality_column: NAME");
  }
  if (keeps_by(recipe, "source") && recipe.source_priority.empty()) {
    throw Error(ErrorKind::kUsage, "keep names source, but no priorities", "dedup.keep",
                "give source_priority: [BEGINNING, ...]");
  }
  if (recipe.unit != "document" && recipe.save_index) {
    throw Error(ErrorKind::kUsage, "an index holds whole documents, unit is " + recipe.unit, "dedup.save_index",
                "leave save_index out, or unit");
  }
}

uint32_t source_place(const std::vector<std::string>& priorities, const std::string& source) {
  for (size_t i = 0; i < priorities.size(); ++i) {
    if (source.starts_with(priorities[i])) {
      return static_cast<uint32_t>(i);
    }
  }
  return static_cast<uint32_t>(priorities.size());
}

class DocumentDedup {
 public:
  DocumentDedup(StageContext& context, const DedupRecipe& recipe)
      : context_(context),
        recipe_(recipe),
        options_(dedup_options(recipe)),
        input_(Documents::open(context.input("documents").path)),
        pool_(static_cast<int>(recipe.threads)),
        journal_(context.run.state() / "parts", context.shard) {
    options_.scratch = context.run.state().string();
  }

  nlohmann::json run() {
    sign();
    if (!context_.shard.whole()) {
      return nlohmann::json::object();
    }
    std::vector<fs::path> held;
    if (const StageInput* against = context_.find("against")) {
      held = open_dedup_index(against->path / "index", dedup_signature(options_));
    }
    PartSet parts(held, files_);
    const Duplicates found = find_duplicates(parts, options_, pool_, [this](double share, const char* what) {
      check_interrupt();
      context_.progress.update(0.6 + 0.3 * share, what);
    });
    context_.progress.update(0.95, "writing");
    write(parts, found);
    if (recipe_.save_index) {
      write_index(held, found);
    }
    return summary(found);
  }

 private:
  void sign();
  void write(PartSet& parts, const Duplicates& found);
  void write_index(const std::vector<fs::path>& held, const Duplicates& found) const;
  nlohmann::json summary(const Duplicates& found);

  StageContext& context_;
  const DedupRecipe& recipe_;
  DedupOptions options_;
  const Documents input_;
  ThreadPool pool_;
  PartJournal journal_;
  std::vector<fs::path> files_;
};

void DocumentDedup::sign() {
  std::vector<double> quality;
  if (keeps_by(recipe_, "quality")) {
    quality = input_.float_column(recipe_.quality_column);
  }
  Signer signer(options_, pool_);
  for_each_part(input_, journal_, context_, [&](const DocumentPart& part) {
    if (part.documents != nullptr) {
      journal_.write(part.key, [&](const fs::path& folder) {
        SignedPartWriter writer(dedup_num_keys(options_), dedup_signature(options_));
        std::vector<TextRow> rows;
        for (size_t i = 0; i < part.documents->size(); ++i) {
          const Document& document = (*part.documents)[i];
          rows.push_back({document.id, document.text, quality.empty() ? 0 : quality[part.first + i],
                          source_place(recipe_.source_priority, document.source)});
        }
        signer.sign(rows, writer);
        writer.finish(folder / "signed.near");
      });
    }
    files_.push_back(journal_.path(part.key) / "signed.near");
    context_.progress.update(0.6 * part.share_done, human_bytes(static_cast<double>(part.bytes_done)));
  });
}

void DocumentDedup::write(PartSet& parts, const Duplicates& found) {
  const ColumnWriter writer(context_.run.out_tmp(), input_,
                            {{"cluster_id", ColumnType::kString},
                             {"cluster_size", ColumnType::kInt64},
                             {"dedup_reason", ColumnType::kString}});
  std::vector<bool> keep(input_.num_rows(), false);
  uint64_t i = 0;
  for (size_t shard = 0; shard < input_.num_shards(); ++shard) {
    check_interrupt();
    const uint64_t first = input_.first_row(shard);
    const size_t rows = static_cast<size_t>(input_.manifest().shards[shard].rows);
    std::vector<std::string> cluster(rows), reason(rows);
    std::vector<int64_t> size(rows);
    for (size_t row = 0; row < rows; ++row) {
      if (!input_.keep()[first + row]) {
        continue;
      }
      keep[first + row] = found.keep(i);
      cluster[row] = found.keep(i) ? parts.next_id(found.num_held + i) : parts.id(found.keeper[i]);
      reason[row] = name_of(found.reason[i]);
      size[row] = found.cluster_size[i];
      ++i;
    }
    writer.write_shard(shard, {std::move(cluster), std::move(size), std::move(reason)});
  }
  writer.finish(keep);
}

void DocumentDedup::write_index(const std::vector<fs::path>& held, const Duplicates& found) const {
  const fs::path folder = context_.run.out_tmp() / "index";
  make_dirs(folder);
  std::vector<std::string> names;
  uint64_t num_rows = 0;
  const auto next_name = [&] {
    char name[32];
    std::snprintf(name, sizeof name, "part-%06zu.near", names.size());
    names.push_back(name);
    return folder / name;
  };
  for (const fs::path& path : held) {
    num_rows += SignedPart(path, false).num_rows();
    link_file(path, next_name());
  }
  uint64_t first = 0;
  for (const fs::path& path : files_) {
    const SignedPart part(path, true);
    SignedPartWriter writer(dedup_num_keys(options_), dedup_signature(options_));
    copy_rows(part, [&](uint64_t row) { return found.keep(first + row); }, writer);
    first += part.num_rows();
    num_rows += writer.num_rows();
    writer.finish(next_name());
  }
  write_dedup_index(folder, names, dedup_signature(options_), num_rows);
}

nlohmann::json DocumentDedup::summary(const Duplicates& found) {
  const auto count = [&](DropReason reason) { return found.counts[static_cast<size_t>(reason)]; };
  const uint64_t kept = count(DropReason::kKept);
  nlohmann::json dropped{{"exact duplicate", count(DropReason::kExact)}, {"near duplicate", count(DropReason::kNear)}};
  if (context_.find("against") != nullptr) {
    dropped[name_of(DropReason::kHeldExact)] = count(DropReason::kHeldExact);
    dropped[name_of(DropReason::kHeldNear)] = count(DropReason::kHeldNear);
  }
  context_.run.events().emit("counts", {{"in", found.keeper.size()}, {"out", kept}, {"dropped", dropped}});
  return {{"documents_in", found.keeper.size()},
          {"documents", kept},
          {"text_bytes_in", input_.text_bytes()},
          {"exact_duplicates", count(DropReason::kExact)},
          {"near_duplicates", count(DropReason::kNear)},
          {"candidate_pairs", found.compared},
          {"dropped", dropped},
          {"summary", grouped_integer(static_cast<int64_t>(found.keeper.size())) + " -> " +
                          grouped_integer(static_cast<int64_t>(kept)) + " documents"}};
}

nlohmann::json execute_dedup(StageContext& context) {
  const auto recipe = load_options<DedupRecipe>(context.options);
  make_dirs(context.run.state());
  if (recipe.unit != "document") {
    return dedup_repeats(context, recipe);
  }
  return DocumentDedup(context, recipe).run();
}

}  // namespace

Verb dedup_verb() {
  Verb verb;
  verb.name = "dedup";
  verb.summary = "drop exact and near duplicates (MinHash, verified), or cut repeated paragraphs, lines, passages out";
  verb.revision = 2;
  verb.roles = {{"documents", ArtifactKind::kDocuments, true, "what to deduplicate"},
                {"against", ArtifactKind::kDocuments, false, "a dedup run with an index: what is there is dropped"}};
  verb.output = ArtifactKind::kDocuments;
  verb.schema = schema_of<DedupRecipe>();
  verb.resumable = true;
  verb.shards = true;
  verb.prepare = prepare_dedup;
  verb.execute = execute_dedup;
  verb.example = "athanor dedup from=clean-1a2b3c4d threshold=0.7";
  return verb;
}

}  // namespace athanor
