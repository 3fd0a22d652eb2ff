// measure: documents -> documents with the rules' numbers as columns (the ledger). The text is written anew only when
// a rule rewrites it. clean puts this step before itself, so that a changed threshold finds its numbers ready.
#include "athanor/stage/measure.h"

#include <atomic>
#include <limits>

#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/thread_pool.h"
#include "athanor/clean/step.h"
#include "athanor/data/documents/documents_columns.h"
#include "athanor/stage/verb_list.h"

namespace athanor {

namespace {

// Documents measured at a time when the threads share one shard.
constexpr size_t kBatchDocuments = 512;

struct MeasureRecipe {
  nlohmann::json rules = nlohmann::json::array({"normalize"});
  int64_t threads = 0;
  static void fields(Fields<MeasureRecipe>& f) {
    f.add("rules", &MeasureRecipe::rules, "as of clean; thresholds are left out");
    f.add("threads", &MeasureRecipe::threads, "0: one a core").range(0, 4096).speed();
  }
};

void prepare_measure(nlohmann::json& resolved) {
  resolved["rules"] = CleanChain(resolved["rules"], "measure.rules").measuring_spec();
}

nlohmann::json pin_files(const nlohmann::json& resolved, PinContext& pins) {
  auto list = nlohmann::json::array();
  for (const auto& file : CleanChain(resolved["rules"], "measure.rules").files()) {
    list.push_back({{"source", file}, {"sha256", pins.digests.path_digest(file)}});
  }
  return list;
}

// The url of a document: meta.url, else its source when it is one.
std::string url_of(const Document& document) {
  if (document.meta.find("\"url\"") != std::string::npos) {
    const auto meta = nlohmann::json::parse(document.meta, nullptr, false);
    if (meta.is_object() && meta.contains("url") && meta["url"].is_string()) {
      return meta["url"].get<std::string>();
    }
  }
  return document.source.starts_with("http") ? document.source : "";
}

// The ledger of one shard as it fills: a row of the artifact each.
class Ledger {
 public:
  Ledger(const CleanChain& chain, size_t rows) : chain_(chain), bytes_(rows, 0) {
    for (const auto& column : chain.columns()) {
      if (column.type == MetricType::kNumber) {
        values_.emplace_back(std::vector<double>(rows, kDoesNotApply));
      } else {
        values_.emplace_back(std::vector<std::string>(rows));
      }
    }
  }

  void set(size_t row, const std::vector<Measures>& measures, int64_t bytes) {
    bytes_[row] = bytes;
    if (bytes < 0) {
      return;
    }
    for (size_t i = 0; i < values_.size(); ++i) {
      const auto& column = chain_.columns()[i];
      const Measures& of = measures[column.step];
      if (column.type == MetricType::kNumber) {
        std::get<std::vector<double>>(values_[i])[row] = of.numbers[column.index];
      } else {
        std::get<std::vector<std::string>>(values_[i])[row] = of.texts[column.index];
      }
    }
  }

  static std::vector<ColumnInfo> infos(const CleanChain& chain) {
    std::vector<ColumnInfo> infos;
    for (const auto& column : chain.columns()) {
      infos.push_back({column.name, column.type == MetricType::kNumber ? ColumnType::kFloat64 : ColumnType::kString});
    }
    infos.push_back({kMeasuredBytes, ColumnType::kInt64});
    return infos;
  }

  std::vector<ColumnValues> take() {
    values_.emplace_back(std::move(bytes_));
    return std::move(values_);
  }

 private:
  const CleanChain& chain_;
  std::vector<ColumnValues> values_;
  std::vector<int64_t> bytes_;
};

class Measurer {
 public:
  Measurer(StageContext& context, const MeasureRecipe& recipe)
      : context_(context),
        input_(Documents::open(context.input("documents").path)),
        chain_(recipe.rules),
        pool_(static_cast<int>(recipe.threads)),
        journal_(context.run.state() / "parts", context.shard) {}

  nlohmann::json run() {
    chain_.open();
    std::vector<size_t> to_do;
    for (size_t shard = 0; shard < input_.num_shards(); ++shard) {
      if (!journal_.has(key(shard)) && (context_.merge || context_.shard.mine(shard))) {
        to_do.push_back(shard);
      }
    }
    if (context_.merge && !to_do.empty()) {
      throw Error(ErrorKind::kInput, std::to_string(to_do.size()) + " of " + std::to_string(input_.num_shards()) +
                                         " parts are not done", "measure", "run the recipe with shard=i/n for every i");
    }
    done_ = input_.num_shards() - to_do.size();
    // Threads take a shard each while there are enough of them, else they share one.
    const bool whole_shards = to_do.size() >= static_cast<size_t>(pool_.num_threads());
    if (whole_shards) {
      pool_.parallel_for(to_do.size(), [&](size_t i) { measure_shard(to_do[i], nullptr); });
    } else {
      for (const size_t shard : to_do) {
        measure_shard(shard, &pool_);
      }
    }
    return context_.shard.whole() ? finish() : nlohmann::json::object();
  }

 private:
  static std::string key(size_t shard) {
    char name[32];
    std::snprintf(name, sizeof name, "%06zu", shard);
    return name;
  }

  void measure_shard(size_t shard, ThreadPool* pool) {
    journal_.write(key(shard), [&](const fs::path& folder) { fill(shard, pool, folder); });
    const size_t done = ++done_;
    context_.progress.update(static_cast<double>(done) / static_cast<double>(input_.num_shards()),
                             human_bytes(static_cast<double>(bytes_.load())));
  }

  void fill(size_t shard, ThreadPool* pool, const fs::path& folder) {
    const uint64_t first = input_.first_row(shard);
    const auto rows = static_cast<size_t>(input_.manifest().shards[shard].rows);
    std::map<std::string, std::vector<double>> numbers;
    for (const auto& name : chain_.columns_needed()) {
      numbers[name] = number_column(shard, name);
    }
    const bool rewrite = chain_.transforms_text();
    std::optional<DocumentWriter> writer;
    if (rewrite) {
      writer.emplace(folder, std::numeric_limits<uint64_t>::max());  // one shard for one shard
    }
    Ledger ledger(chain_, rows);
    std::vector<size_t> kept;  // rows of the shard
    std::vector<Document> batch;
    std::vector<size_t> batch_rows;
    const auto flush = [&] {
      measure_batch(batch, batch_rows, numbers, pool, ledger);
      for (Document& document : batch) {
        if (rewrite) {
          writer->add(document);
        }
      }
      kept.insert(kept.end(), batch_rows.begin(), batch_rows.end());
      batch.clear();
      batch_rows.clear();
    };
    input_.for_each_in(shard, [&](uint64_t row, Document&& document) {
      check_interrupt();
      batch.push_back(std::move(document));
      batch_rows.push_back(static_cast<size_t>(row - first));
      if (batch.size() >= kBatchDocuments) {
        flush();
      }
    });
    flush();
    if (!rewrite) {
      write_column_file(folder / "columns.parquet", Ledger::infos(chain_), ledger.take());
      return;
    }
    writer->finish();
    add_columns(shard, folder, kept, ledger.take());
  }

  void measure_batch(std::vector<Document>& batch, const std::vector<size_t>& rows,
                     const std::map<std::string, std::vector<double>>& numbers, ThreadPool* pool, Ledger& ledger) {
    const auto one = [&](size_t i) {
      Document& document = batch[i];
      bytes_ += document.text.size();
      const std::string url = url_of(document);
      DocumentView view(document.text);
      view.source = document.source;
      view.meta = document.meta;
      view.url = url;
      view.number = [&](std::string_view column) {
        const auto found = numbers.find(std::string(column));
        return found == numbers.end() ? kDoesNotApply : found->second[rows[i]];
      };
      std::vector<Measures> measures;
      const bool measured = chain_.measure(view, measures);
      ledger.set(rows[i], measures, measured ? static_cast<int64_t>(document.text.size()) : -1);
    };
    if (pool != nullptr) {
      pool->parallel_for(batch.size(), one);
    } else {
      for (size_t i = 0; i < batch.size(); ++i) {
        one(i);
      }
    }
  }

  std::vector<double> number_column(size_t shard, const std::string& name) const {
    if (!input_.has_column(name)) {
      return std::vector<double>(static_cast<size_t>(input_.manifest().shards[shard].rows), kDoesNotApply);
    }
    ColumnValues values = input_.shard_column(shard, name);
    if (auto* doubles = std::get_if<std::vector<double>>(&values)) {
      return std::move(*doubles);
    }
    if (const auto* whole = std::get_if<std::vector<int64_t>>(&values)) {
      return {whole->begin(), whole->end()};
    }
    throw Error(ErrorKind::kInput, "column '" + name + "' holds text, a rule wants a number", input_.dir().string());
  }

  // The ledger and the columns that the input had, for the rows that are in the part's own shard.
  void add_columns(size_t shard, const fs::path& folder, const std::vector<size_t>& kept,
                   std::vector<ColumnValues> ledger) const {
    DocumentsManifest manifest = DocumentsManifest::load(folder);
    if (manifest.shards.empty()) {
      return;
    }
    std::vector<ColumnInfo> infos = Ledger::infos(chain_);
    for (const auto& column : input_.manifest().columns) {
      const bool replaced = std::any_of(infos.begin(), infos.end(), [&](const auto& info) { return info.name == column.name; });
      if (!replaced) {
        infos.push_back(column);
        ledger.push_back(input_.shard_column(shard, column.name));
      }
    }
    for (ColumnValues& values : ledger) {
      values = std::visit(
          [&](auto& all) -> ColumnValues {
            std::decay_t<decltype(all)> chosen;
            for (const size_t row : kept) {
              chosen.push_back(std::move(all[row]));
            }
            return chosen;
          },
          values);
    }
    write_column_file(folder / "columns-00000.parquet", infos, ledger);
    manifest.columns = infos;
    manifest.shards[0].column_paths = {"columns-00000.parquet"};
    manifest.save(folder);
  }

  nlohmann::json finish() {
    const fs::path out = context_.run.out_tmp();
    if (chain_.transforms_text()) {
      std::vector<fs::path> parts;
      for (size_t shard = 0; shard < input_.num_shards(); ++shard) {
        parts.push_back(journal_.path(key(shard)));
      }
      assemble_documents(out, parts);
    } else {
      const ColumnWriter writer(out, input_, Ledger::infos(chain_));
      for (size_t shard = 0; shard < input_.num_shards(); ++shard) {
        writer.take_shard(shard, journal_.path(key(shard)) / "columns.parquet");
      }
      writer.finish({});
    }
    const Documents written = Documents::open(out);
    return {{"documents", written.num_documents()},
            {"text_bytes_in", input_.text_bytes()},
            {"text_bytes", written.text_bytes()},
            {"columns", chain_.columns().size()},
            {"summary", grouped_integer(static_cast<int64_t>(written.num_documents())) + " documents, " +
                            std::to_string(chain_.columns().size()) + " scores each"}};
  }

  StageContext& context_;
  Documents input_;
  CleanChain chain_;
  ThreadPool pool_;
  PartJournal journal_;
  std::atomic<size_t> done_{0};
  std::atomic<uint64_t> bytes_{0};
};

nlohmann::json execute_measure(StageContext& context) {
  if (context.shard.whole()) {
    context.run.events().truncate(0);
  }
  return Measurer(context, load_options<MeasureRecipe>(context.options)).run();
}

}  // namespace

std::string rules_text() {
  std::string text = "rules, in the order in which a recipe would name them (t: a threshold, which asks for no text):\n";
  for (const auto& entry : clean_steps()) {
    text += "  " + std::string(entry.name) + ": " + entry.summary + "\n";
    for (const auto& option : entry.options) {
      text += "    " + std::string(option.threshold ? "t " : "  ") + option.name + " = " + option.default_value.dump() +
              "  " + option.meaning + "\n";
    }
  }
  return text;
}

Verb measure_verb() {
  Verb verb;
  verb.name = "measure";
  verb.revision = 2;
  verb.summary = "write the rules' scores beside the texts, for clean to decide on";
  verb.roles = {{"documents", ArtifactKind::kDocuments, true, "what to measure"}};
  verb.output = ArtifactKind::kDocuments;
  verb.schema = schema_of<MeasureRecipe>();
  verb.prepare = prepare_measure;
  verb.pins = pin_files;
  verb.resumable = true;
  verb.shards = true;
  verb.execute = execute_measure;
  verb.notes = rules_text;
  verb.example = "athanor measure from=collect-1a2b3c4d 'rules=[normalize, gopher_quality]'";
  return verb;
}

}  // namespace athanor
