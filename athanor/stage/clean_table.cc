#include "athanor/stage/clean_table.h"

#include <algorithm>
#include <optional>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/clean/tables/table_cleaner.h"
#include "athanor/data/documents/documents_columns.h"
#include "athanor/data/tables/read_table.h"

namespace athanor {

namespace {

constexpr const char* kWhere = "clean.table";
constexpr const char* kLearnt = "learnt";
constexpr const char* kChangedBy = "changed_by";
constexpr const char* kDroppedBy = "dropped_by";

std::string rule_name(const TableReport::Reason& reason) {
  std::string name = reason.step + ": " + (reason.column.empty() ? "" : reason.column + ": ") + reason.what;
  return reason.cells == 0 ? name : name + " (" + grouped_integer(static_cast<int64_t>(reason.cells)) + " values)";
}

class TableClean {
 public:
  TableClean(StageContext& context, const CleanTableOptions& options, int64_t threads)
      : context_(context),
        options_(options),
        pool_(static_cast<int>(threads)),
        input_(Documents::open(context.input("documents").path)) {}

  nlohmann::json run() {
    TableSchema schema;
    TableNotes notes;
    TableReport report;
    TableStepContext step{pool_, report, [] { check_interrupt(); }};
    RowTable table;
    std::optional<TableCleaner> cleaner;
    if (const StageInput* learnt = context_.find(kLearnt)) {
      cleaner = TableCleaner::load(learnt->path, schema);
      table = read_rows(input_, schema, "reading");
      cleaner->apply(table, step);
    } else {
      cleaner.emplace(options_.table, kWhere);
      const StageInput* train = context_.find("train");
      const Documents training = train == nullptr ? input_ : Documents::open(train->path);
      read_table(training, options_.read, schema, notes);
      table = read_rows(training, schema, "reading");
      context_.progress.update(0.4, "cleaning");
      if (train == nullptr) {
        cleaner->learn(table, step);
      } else {
        TableReport unread;
        TableStepContext learning{pool_, unread, [] { check_interrupt(); }};
        cleaner->learn(table, learning);
        table = read_rows(input_, schema, "reading");
        cleaner->apply(table, step);
      }
    }
    context_.progress.update(0.6, "writing");
    write(table, report);
    cleaner->save(context_.run.out_tmp(), schema);
    return result(table, report, notes);
  }

 private:
  RowTable read_rows(const Documents& documents, const TableSchema& schema, const std::string& what) const {
    RowReader reader(schema.missing, static_cast<uint64_t>(options_.memory_mb) << 20);
    uint64_t objects = 0;
    documents.for_each([&](uint64_t, Document&& document) {
      if (reader.rows() % 1024 == 0) {
        check_interrupt();
        context_.progress.update(0.3 * static_cast<double>(reader.rows()) / static_cast<double>(documents.num_documents()), what);
      }
      objects += reader.add(document.id, document.meta) && document.meta.size() > 2 ? 1 : 0;
    });
    if (objects == 0) {
      throw Error(ErrorKind::kInput, "the documents are no rows of a table: none has fields beside its text", documents.dir().string(),
                  "collect tables with fields: {text: '*'}; texts are cleaned by `rules`, without `table`");
    }
    return reader.finish(schema);
  }

  // One text shard after another, then the columns beside them.
  void write(const RowTable& table, const TableReport& report) const {
    const fs::path out = context_.run.out_tmp();
    make_dirs(out);
    DocumentWriter writer(out);
    uint64_t row = 0;
    input_.for_each([&](uint64_t, Document&& document) {
      if (row % 1024 == 0) {
        check_interrupt();
        context_.progress.update(0.6 + 0.4 * static_cast<double>(row) / static_cast<double>(table.rows), "writing");
      }
      if (table.alive[row] != 0) {
        rewrite(table, row, document);
      }
      writer.add(document);
      ++row;
    });
    writer.finish();
    write_columns(out, table, report);
  }

  static void rewrite(const RowTable& table, uint64_t row, Document& document) {
    std::string meta = row_meta(table, row);
    if (meta == document.meta) {
      return;
    }
    if (is_row_text(document.text, document.meta)) {
      const bool ends_line = document.text.ends_with('\n');
      document.text = row_text(table, row);
      if (!ends_line && document.text.ends_with('\n')) {
        document.text.pop_back();
      }
    }
    document.meta = std::move(meta);
  }

  void write_columns(const fs::path& out, const RowTable& table, const TableReport& report) const {
    std::vector<ColumnInfo> infos{{kChangedBy, ColumnType::kString}, {kDroppedBy, ColumnType::kString}};
    std::vector<ColumnValues> values{report.changes_of_rows(table.rows), report.drops_of_rows(table.rows)};
    for (const ColumnInfo& info : input_.manifest().columns) {
      if (info.name != kChangedBy && info.name != kDroppedBy) {
        infos.push_back(info);
        values.push_back(input_.column(info.name));
      }
    }
    const Documents base = Documents::open(out);
    const ColumnWriter writer(out, base, infos);
    for (size_t shard = 0; shard < base.num_shards(); ++shard) {
      const auto first = static_cast<int64_t>(base.first_row(shard));
      const auto end = first + static_cast<int64_t>(base.manifest().shards[shard].rows);
      std::vector<ColumnValues> part;
      for (const ColumnValues& all : values) {
        part.push_back(std::visit(
            [&](const auto& list) -> ColumnValues { return std::decay_t<decltype(list)>(list.begin() + first, list.begin() + end); }, all));
      }
      writer.write_shard(shard, part);
    }
    writer.finish({table.alive.begin(), table.alive.end()});
  }

  nlohmann::json result(const RowTable& table, const TableReport& report, const TableNotes& read_notes) const {
    auto funnel = nlohmann::json::array();
    auto dropped = nlohmann::json::object();
    uint64_t left = table.rows, cells = 0;
    for (const TableReport::Reason& reason : report.reasons()) {
      const std::string name = rule_name(reason);
      nlohmann::json rule{{"rule", name}, {"in", left}, {"dropped", reason.rows}, {"values", reason.cells}, {"step", reason.step},
                          {"column", reason.column}};
      left -= reason.rows;
      cells += reason.cells;
      rule["out"] = left;
      rule["examples"] = nlohmann::json::array();
      for (const TableReport::Example& example : reason.examples) {
        rule["examples"].push_back({{"id", example.id},
                                    {"text", reason.rows > 0 ? example.before : "'" + example.before + "' -> '" + example.after + "'"}});
      }
      if (reason.rows > 0) {
        dropped[name] = reason.rows;
      }
      funnel.push_back(std::move(rule));
    }
    const Documents written = Documents::open(context_.run.out_tmp());
    std::vector<std::string> notes = read_notes.warnings();
    notes.insert(notes.end(), report.notes().begin(), report.notes().end());
    for (const std::string& note : notes) {
      context_.warn(note);
    }
    context_.run.events().emit("counts", {{"in", table.rows}, {"out", left}, {"dropped", dropped}});
    return {{"documents_in", table.rows},
            {"documents", left},
            {"text_bytes_in", input_.text_bytes()},
            {"text_bytes", written.text_bytes()},
            {"columns", table.names()},
            {"values_changed", cells},
            {"dropped", dropped},
            {"funnel", funnel},
            {"proposals", report.proposals()},
            {"notes", notes},
            {"summary", grouped_integer(static_cast<int64_t>(table.rows)) + " -> " + grouped_integer(static_cast<int64_t>(left)) +
                            " rows, " + std::to_string(table.names().size()) + " columns, " +
                            grouped_integer(static_cast<int64_t>(cells)) + " values changed"}};
  }

  StageContext& context_;
  const CleanTableOptions& options_;
  mutable ThreadPool pool_;
  const Documents input_;
};

bool cleans_table(const nlohmann::json& options) { return !options.value("table", nlohmann::json()).is_null(); }

}  // namespace

void prepare_clean_table(nlohmann::json& resolved) {
  nlohmann::json& table = resolved["table"];
  if (table.is_string() && table.get<std::string>() == kLearnt) {
    return;
  }
  table = resolve_table_steps(table.is_string() || table.is_object() ? nlohmann::json::array({table}) : table, kWhere);
  if (table.empty()) {
    throw Error(ErrorKind::kUsage, "the list of steps is empty", kWhere, "table: [{missing: {by: median}}]");
  }
}

void check_clean_inputs(const nlohmann::json& options, const std::vector<std::string>& inputs) {
  const auto given = [&](const char* role) { return std::find(inputs.begin(), inputs.end(), role) != inputs.end(); };
  const bool wants_learnt = options.value("table", nlohmann::json()) == kLearnt;
  if (!cleans_table(options) && (given("train") || given(kLearnt))) {
    throw Error(ErrorKind::kUsage, "the roles train and learnt are for `table`", "clean", "give table: [...], or leave the roles out");
  }
  if (wants_learnt != given(kLearnt)) {
    throw Error(ErrorKind::kUsage, wants_learnt ? "table: learnt needs the role `learnt`" : "the role `learnt` needs table: learnt",
                kWhere, "from: {documents: rows, learnt: clean-1a2b3c4d} with table: learnt");
  }
  if (wants_learnt && given("train")) {
    throw Error(ErrorKind::kUsage, "with table: learnt nothing is learnt, and train is of no use", kWhere, "leave one of them out");
  }
}

nlohmann::json execute_clean_table(StageContext& context, const CleanTableOptions& options, int64_t threads) {
  return TableClean(context, options, threads).run();
}

std::string table_steps_text() {
  std::string text = "\nSteps of `table` (docs/data/tables.md):\n";
  for (const TableStepKind& kind : table_step_kinds()) {
    text += std::string("\n  ") + kind.name + ": " + kind.doc + "\n";
    for (const FieldInfo& field : kind.schema.fields) {
      text += "    " + field.name + "  " + field.doc;
      if (!field.choices.empty()) {
        text += " (";
        for (size_t i = 0; i < field.choices.size(); ++i) {
          text += (i == 0 ? "" : ", ") + field.choices[i];
        }
        text += ")";
      }
      text += "\n";
    }
  }
  return text;
}

}  // namespace athanor
