#include "athanor/data/tables/read_table.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"
#include "athanor/data/readers/json_scan.h"
#include "athanor/data/tables/cell_column.h"
#include "athanor/data/tables/cells.h"
#include "athanor/data/tables/libsvm.h"

namespace athanor {

namespace {

using Type = CellColumn::Type;

constexpr char kText[] = "text";
constexpr char kImage[] = "image";
constexpr char kFeatures[] = "features";
constexpr char kLibsvmMark[] = "\"libsvm\"";

bool listed(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Whether text is the lines "name: value" of these fields, in their order; values are not compared,
// because a step may have changed the text's white space.
bool is_rows_own_text(std::string_view text, const std::vector<JsonField>& fields) {
  size_t at = 0;
  std::string label;
  for (size_t i = 0; i < fields.size(); ++i) {
    label = i == 0 ? "" : "\n";
    unescape_json(fields[i].key, label);
    label += ":";
    at = i == 0 ? (text.starts_with(label) ? 0 : std::string_view::npos) : text.find(label, at);
    if (at == std::string_view::npos) {
      return false;
    }
    at += label.size();
  }
  return !fields.empty();
}

std::string number_text(double value) {
  char buffer[32];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, value);
  return {buffer, result.ptr};
}

}  // namespace

struct TableReader::Impl {
  struct Source {
    ColumnSource from;
    std::string key;
    CellColumn cells;
  };

  std::optional<TableSchema> fixed;
  TableOptions options;
  TableSchema schema;
  uint64_t rows = 0;
  std::vector<std::string> ids;
  std::vector<std::unique_ptr<Source>> sources;
  std::unordered_map<std::string, Source*> by_key;  // of meta
  std::vector<Source*> last_order;  // of the row before: keys mostly come in one order
  std::vector<std::string> texts;
  bool own_texts = false;
  SparseRows sparse;
  bool is_sparse = false;
  uint32_t width = 0;
  std::vector<JsonField> fields;
  std::string key, value;
  LibsvmRow libsvm;
  ColumnNote bad_rows;  // where all texts are said to be LIBSVM

  Source& source(ColumnSource from, const std::string& name) {
    for (const auto& one : sources) {
      if (one->from == from && one->key == name) {
        return *one;
      }
    }
    sources.push_back(std::make_unique<Source>(Source{from, name, {}}));
    return *sources.back();
  }

  Source& meta_source(size_t position, std::string_view raw_key) {
    if (position < last_order.size() && last_order[position]->key == raw_key) {
      return *last_order[position];
    }
    key.clear();
    unescape_json(raw_key, key);
    Source*& found = by_key[key];
    found = found == nullptr ? &source(ColumnSource::kMeta, key) : found;
    last_order.resize(std::max(last_order.size(), position + 1), found);
    last_order[position] = found;
    return *found;
  }

  void add_cell(CellColumn& cells, std::string_view raw) {
    switch (raw.front()) {
      case '"':
        if (raw.find('\\') == std::string_view::npos) {
          cells.add(rows, trimmed_cell(raw.substr(1, raw.size() - 2)), Type::kString);
        } else {
          value.clear();
          unescape_json(raw.substr(1, raw.size() - 2), value);
          cells.add(rows, trimmed_cell(value), Type::kString);
        }
        return;
      case 't':
      case 'f':
        cells.add(rows, raw, Type::kBool);
        return;
      case 'n':
        cells.add(rows, "", Type::kString);  // the column is there, its value is not
        return;
      case '[':
        cells.add(rows, nlohmann::json::parse(raw, nullptr, false).dump(), Type::kList);
        return;
      case '{':
        cells.add(rows, raw, Type::kObject);
        return;
      default:
        cells.add(rows, raw, Type::kNumber);
    }
  }

  void add_libsvm_cell(const std::string& name, std::string_view cell) {
    if (!cell.empty()) {
      source(ColumnSource::kMeta, name).cells.add(rows, trimmed_cell(cell), Type::kString);
    }
  }

  // False: the text is the document's own. A row that is not to be read has no features.
  bool add_libsvm(const Document& document) {
    const bool marked = std::any_of(fields.begin(), fields.end(), [](const JsonField& f) {
      return f.key == "format" && f.value == kLibsvmMark;
    });
    const bool told = fixed ? fixed->libsvm : options.format == "libsvm";
    const char* reason = nullptr;
    if (!marked && !told) {
      return false;
    }
    if (!parse_libsvm_row(document.text, libsvm, reason)) {
      bad_rows.example = bad_rows.unreadable++ == 0 ? document.text.substr(0, 60) : bad_rows.example;
      return told;
    }
    is_sparse = true;
    if (!marked) {
      add_libsvm_cell("label", libsvm.label);
      add_libsvm_cell("qid", libsvm.query);
    }
    while (sparse.rows() < rows) {  // rows that were no LIBSVM
      sparse.offsets.push_back(sparse.indices.size());
    }
    sparse.indices.insert(sparse.indices.end(), libsvm.indices.begin(), libsvm.indices.end());
    sparse.values.insert(sparse.values.end(), libsvm.values.begin(), libsvm.values.end());
    sparse.offsets.push_back(sparse.indices.size());
    width = libsvm.indices.empty() ? width : std::max(width, libsvm.indices.back() + 1);
    return true;
  }

  // The document's own text, when it has one: not the row's fields as lines, not an image's name.
  void add_text(const Document& document) {
    const bool image = std::any_of(fields.begin(), fields.end(), [](const JsonField& f) {
      return f.key == kImage && f.value.starts_with("{");
    });
    const bool own = !(image && document.text.starts_with(document.source)) &&
                     !is_rows_own_text(document.text, fields);
    if (own) {
      texts.resize(rows);
      texts.push_back(document.text);
      own_texts = true;
    }
  }

  void add(const Document& document) {
    if (!scan_json_object(document.meta, fields)) {
      fields.clear();
    }
    const bool libsvm_row = add_libsvm(document);
    if (!libsvm_row) {
      add_text(document);
    }
    for (size_t i = 0; i < fields.size(); ++i) {
      if (!(libsvm_row && fields[i].key == "format")) {
        add_cell(meta_source(i, fields[i].key).cells, fields[i].value);
      }
    }
    ids.push_back(document.id);
    ++rows;
  }

  // The name of a column of meta that one of the others already has.
  std::string free_name(const Source& one) const {
    const bool taken = (own_texts && one.key == kText) || (is_sparse && one.key == kFeatures) ||
                       std::any_of(sources.begin(), sources.end(), [&](const auto& other) {
                         return other->from == ColumnSource::kColumn && other->key == one.key;
                       });
    return one.from == ColumnSource::kMeta && taken ? "meta." + one.key : one.key;
  }

  void check_names(const std::vector<std::string>& names) const {
    const auto check = [&](const std::string& name, const char* option) {
      if (!listed(names, name)) {
        throw Error(ErrorKind::kUsage, "there is no column '" + name + "'", option,
                    did_you_mean(name, names));
      }
    };
    for (const std::string& name : options.columns) {
      check(name, "columns");
    }
    for (const std::string& name : options.exclude) {
      check(name, "exclude");
    }
    for (const auto& [name, type] : options.types.items()) {
      check(name, "types");
    }
  }

  // Guesses kinds, then what the recipe says.
  void make_schema(std::map<std::string, bool>& mixed) {
    std::vector<ColumnPlan> all;
    for (const auto& one : sources) {
      ColumnPlan plan{free_name(*one), ColumnKind::kCategory, one->from, one->key, ""};
      plan.kind = one->from == ColumnSource::kMeta && one->key == kImage
                      ? ColumnKind::kImage
                      : one->cells.guess(options.missing, mixed[plan.name]);
      all.push_back(std::move(plan));
    }
    if (own_texts) {
      all.push_back({kText, ColumnKind::kText, ColumnSource::kText, "", ""});
    }
    if (is_sparse) {
      all.push_back({kFeatures, ColumnKind::kSparse, ColumnSource::kLibsvm, "", ""});
    }
    std::vector<std::string> names;
    for (const ColumnPlan& plan : all) {
      names.push_back(plan.name);
    }
    check_names(names);
    schema.missing = options.missing;
    schema.libsvm = options.format == "libsvm";
    for (ColumnPlan& plan : all) {
      if ((options.columns.empty() || listed(options.columns, plan.name)) &&
          !listed(options.exclude, plan.name)) {
        if (const auto type = options.types.find(plan.name); type != options.types.end()) {
          parse_column_type(*type, "types." + plan.name, plan.kind, plan.date_format);
          mixed[plan.name] = false;
        }
        schema.columns.push_back(std::move(plan));
      }
    }
  }

  const Source* find(const ColumnPlan& plan) const {
    for (const auto& one : sources) {
      if (one->from == plan.from && one->key == plan.key) {
        return one.get();
      }
    }
    return nullptr;
  }

  std::optional<TableColumn> build(const ColumnPlan& plan, ColumnNote& note) {
    if (plan.from == ColumnSource::kLibsvm) {
      note.unreadable = bad_rows.unreadable;
      note.example = bad_rows.example;
      return is_sparse ? std::optional(sparse_column(plan)) : std::nullopt;
    }
    if (plan.from == ColumnSource::kText) {
      return own_texts ? std::optional(text_column(plan, note)) : std::nullopt;
    }
    const Source* found = find(plan);
    return found == nullptr ? std::nullopt
                            : std::optional(found->cells.build(rows, plan, schema.missing, note));
  }

  TableColumn sparse_column(const ColumnPlan& plan) {
    TableColumn column;
    column.name = plan.name;
    column.kind = plan.kind;
    sparse.offsets.resize(rows + 1, sparse.indices.size());
    column.sparse = std::move(sparse);
    column.width = width;
    return column;
  }

  TableColumn text_column(const ColumnPlan& plan, ColumnNote& note) {
    texts.resize(rows);
    if (plan.kind !=
        ColumnKind::kText) {  // the recipe says that the text is a number, a date, a category
      CellColumn cells;
      for (uint64_t row = 0; row < rows; ++row) {
        cells.add(row, trimmed_cell(texts[row]), Type::kString);
      }
      return cells.build(rows, plan, schema.missing, note);
    }
    TableColumn column;
    column.name = plan.name;
    column.kind = plan.kind;
    column.texts = std::move(texts);
    note.missing =
        static_cast<uint64_t>(std::count(column.texts.begin(), column.texts.end(), std::string()));
    return column;
  }
};

TableReader::TableReader(TableOptions options) : impl_(std::make_unique<Impl>()) {
  if (!options.types.is_object()) {
    throw Error(ErrorKind::kUsage, "types is a map from columns to types", "types",
                "types: {zip: category}");
  }
  impl_->options = std::move(options);
}
TableReader::TableReader(TableSchema schema) : impl_(std::make_unique<Impl>()) {
  impl_->fixed = std::move(schema);
}
TableReader::~TableReader() = default;
TableReader::TableReader(TableReader&&) noexcept = default;

void TableReader::add(const Document& document) {
  impl_->add(document);
}

void TableReader::add_column(const std::string& name, const ColumnValues& values) {
  CellColumn& cells = impl_->source(ColumnSource::kColumn, name).cells;
  if (const auto* numbers = std::get_if<std::vector<double>>(&values)) {
    for (size_t row = 0; row < numbers->size(); ++row) {
      cells.add(row, number_text((*numbers)[row]), Type::kNumber);
    }
  } else if (const auto* integers = std::get_if<std::vector<int64_t>>(&values)) {
    for (size_t row = 0; row < integers->size(); ++row) {
      cells.add(row, std::to_string((*integers)[row]), Type::kNumber);
    }
  } else {
    const auto& texts = std::get<std::vector<std::string>>(values);
    for (size_t row = 0; row < texts.size(); ++row) {
      cells.add(row, trimmed_cell(texts[row]), Type::kString);
    }
  }
}

Table TableReader::finish(TableNotes& notes) {
  std::map<std::string, bool> mixed;
  if (impl_->fixed) {
    impl_->schema = *impl_->fixed;
  } else {
    impl_->make_schema(mixed);
  }
  Table table;
  table.rows = impl_->rows;
  table.ids = std::move(impl_->ids);
  for (const ColumnPlan& plan : impl_->schema.columns) {
    ColumnNote note;
    note.name = plan.name;
    note.kind = plan.kind;
    if (auto column = impl_->build(plan, note)) {
      note.mixed = mixed[plan.name];
      table.columns.push_back(std::move(*column));
      notes.columns.push_back(std::move(note));
    }
  }
  return table;
}

const TableSchema& TableReader::schema() const {
  return impl_->schema;
}

namespace {

Table read_all(const Documents& documents, TableReader& reader, TableNotes& notes) {
  for (const std::string& name : documents.column_names()) {
    reader.add_column(name, documents.column(name));
  }
  documents.for_each([&](uint64_t, Document&& document) { reader.add(document); });
  return reader.finish(notes);
}

}  // namespace

Table read_table(const Documents& documents, const TableOptions& options, TableSchema& schema,
                 TableNotes& notes) {
  TableReader reader(options);
  Table table = read_all(documents, reader, notes);
  schema = reader.schema();
  return table;
}

Table read_table(const Documents& documents, const TableSchema& schema, TableNotes& notes) {
  TableReader reader(schema);
  return read_all(documents, reader, notes);
}

}  // namespace athanor
