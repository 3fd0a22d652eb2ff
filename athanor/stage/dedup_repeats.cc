// dedup with unit: paragraph, line or passage: what stands elsewhere too is cut out of the texts.
#include <algorithm>

#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/clean/near/repeats.h"
#include "athanor/clean/words.h"
#include "athanor/data/documents/documents.h"
#include "athanor/stage/dedup.h"
#include "athanor/stage/document_parts.h"

namespace athanor {

namespace {

RepeatOptions repeat_options(const DedupRecipe& recipe, const fs::path& scratch) {
  RepeatOptions options;
  options.unit = recipe.unit == "line"        ? RepeatUnit::kLine
                 : recipe.unit == "paragraph" ? RepeatUnit::kParagraph
                                              : RepeatUnit::kPassage;
  options.min_chars = recipe.min_chars;
  options.min_words = recipe.min_words;
  options.memory_bytes = static_cast<uint64_t>(recipe.memory_mb) << 20;
  options.scratch = scratch.string();
  return options;
}

class RepeatDedup {
 public:
  RepeatDedup(StageContext& context, const DedupRecipe& recipe)
      : context_(context),
        recipe_(recipe),
        options_(repeat_options(recipe, context.run.state())),
        input_(Documents::open(context.input("documents").path)),
        pool_(static_cast<int>(recipe.threads)) {}

  nlohmann::json run() {
    const std::vector<fs::path> parts = sign();
    if (!context_.shard.whole()) {
      return nlohmann::json::object();
    }
    RepeatCuts cuts = find_repeats(parts, options_, pool_, [this](const auto& wanted, const auto& fn) { read_texts(wanted, fn); });
    return write(cuts);
  }

 private:
  std::vector<fs::path> sign();
  void read_texts(const std::vector<bool>& wanted, const std::function<void(uint64_t, std::string_view)>& fn) const;
  nlohmann::json write(RepeatCuts& cuts);

  StageContext& context_;
  const DedupRecipe& recipe_;
  const RepeatOptions options_;
  const Documents input_;
  ThreadPool pool_;
};

std::vector<fs::path> RepeatDedup::sign() {
  const PartJournal journal(context_.run.state() / "parts", context_.shard);
  const RepeatSigner signer(options_);
  std::vector<fs::path> parts;
  for_each_part(input_, journal, context_, [&](const DocumentPart& part) {
    if (part.documents != nullptr) {
      journal.write(part.key, [&](const fs::path& folder) {
        std::vector<TextRow> rows;
        for (const Document& document : *part.documents) {
          rows.push_back({document.id, document.text});
        }
        signer.sign(rows, pool_).save(folder / "hashes.bin");
      });
    }
    parts.push_back(journal.path(part.key) / "hashes.bin");
    context_.progress.update(0.5 * part.share_done, "hashing");
  });
  return parts;
}

// The texts of the wanted ones of the kept documents; shards without any are not read.
void RepeatDedup::read_texts(const std::vector<bool>& wanted,
                             const std::function<void(uint64_t, std::string_view)>& fn) const {
  uint64_t document = 0;
  for (size_t shard = 0; shard < input_.num_shards(); ++shard) {
    const auto first = input_.keep().begin() + static_cast<std::ptrdiff_t>(input_.first_row(shard));
    const uint64_t kept = static_cast<uint64_t>(
        std::count(first, first + static_cast<std::ptrdiff_t>(input_.manifest().shards[shard].rows), true));
    const auto begin = wanted.begin() + static_cast<std::ptrdiff_t>(document);
    if (std::find(begin, begin + static_cast<std::ptrdiff_t>(kept), true) != begin + static_cast<std::ptrdiff_t>(kept)) {
      uint64_t at = document;
      input_.for_each_in(shard, [&](uint64_t, Document&& found) {
        check_interrupt();
        if (wanted[at++]) {
          fn(at - 1, found.text);
        }
      });
    }
    document += kept;
  }
}

// Texts without what is cut go to shards of this run's own; what was cut stands beside them as columns.
nlohmann::json RepeatDedup::write(RepeatCuts& cuts) {
  const TokenScanner scanner;
  const fs::path folder = context_.run.out_tmp() / "text";
  DocumentWriter writer(folder);
  std::vector<int64_t> bytes_cut, cut_count;
  std::vector<bool> keep;
  uint64_t done = 0, changed = 0, emptied = 0, bytes_out = 0;
  input_.for_each([&](uint64_t, Document&& document) {
    check_interrupt();
    const std::vector<uint32_t>& places = cuts.places(done++);
    const size_t before = document.text.size();
    if (!places.empty()) {
      document.text = cut_repeats(document.text, places, options_, scanner);
      ++changed;
    }
    bytes_cut.push_back(static_cast<int64_t>(before - document.text.size()));
    cut_count.push_back(static_cast<int64_t>(places.size()));
    keep.push_back(places.empty() || !trim(document.text).empty());
    emptied += keep.back() ? 0 : 1;
    bytes_out += keep.back() ? document.text.size() : 0;
    writer.add(document);
    context_.progress.update(0.6 + 0.4 * static_cast<double>(done) / static_cast<double>(input_.num_documents()),
                             "cutting");
  });
  writer.finish();
  std::vector<Column> columns{{"repeated_bytes", std::move(bytes_cut)}, {"repeated_places", std::move(cut_count)}};
  add_columns_of(input_, columns);
  write_filtered(context_.run.out_tmp(), Documents::open(folder), keep, columns);
  context_.run.events().emit("counts",
                             {{"in", done}, {"out", done - emptied}, {"dropped", {{"nothing left", emptied}}}});
  return {{"documents_in", done},
          {"documents", done - emptied},
          {"documents_changed", changed},
          {"text_bytes_in", input_.text_bytes()},
          {"text_bytes", bytes_out},
          {"exact_duplicates", 0},
          {"near_duplicates", 0},
          {"repeated", cuts.num_repeated},
          {"cuts", cuts.num_cuts()},
          {"dropped", {{"nothing left", emptied}}},
          {"summary", human_bytes(static_cast<double>(input_.text_bytes())) + " -> " +
                          human_bytes(static_cast<double>(bytes_out)) + ", " +
                          grouped_integer(static_cast<int64_t>(changed)) + " documents changed"}};
}

}  // namespace

nlohmann::json dedup_repeats(StageContext& context, const DedupRecipe& recipe) {
  return RepeatDedup(context, recipe).run();
}

}  // namespace athanor
