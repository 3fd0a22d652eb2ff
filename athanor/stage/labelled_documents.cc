#include "athanor/stage/labelled_documents.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <regex>
#include <set>

#include "athanor/base/error.h"
#include "athanor/base/hash.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/rng.h"
#include "athanor/feature/running_statistics.h"
#include "athanor/stage/labels.h"

namespace athanor {

namespace {

constexpr size_t kMaxLabels = 100'000;

std::string folder_of(const std::string& source) {
  const size_t end = source.rfind('/');
  if (end == std::string::npos) {
    return "";
  }
  const size_t begin = source.find_last_of("/!", end - 1);
  return source.substr(begin == std::string::npos ? 0 : begin + 1, end - (begin == std::string::npos ? 0 : begin + 1));
}

std::string without_blanks(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

}  // namespace

std::vector<std::string> read_labels(const Documents& documents, const std::string& field) {
  std::vector<std::string> labels;
  const bool by_folder = field == "folder" && !documents.has_column(field);
  const DocumentLabels reader(documents, field);
  documents.for_each([&](uint64_t, Document&& document) {
    check_interrupt();
    if (by_folder) {
      labels.push_back(folder_of(document.source));
      return;
    }
    const std::vector<std::string> found = reader.of(labels.size(), document);
    labels.push_back(found.empty() ? "" : without_blanks(found.front()));
  });
  if (std::all_of(labels.begin(), labels.end(), [](const auto& label) { return label.empty(); })) {
    throw Error(ErrorKind::kInput, "no document has the label field '" + field + "'", "label_field",
                "a column or a key of meta (athanor show lists them), or folder");
  }
  return labels;
}

std::vector<std::string> join_labels(const Documents& documents, const LabelTable& table, const std::string& field) {
  std::regex pattern;
  try {
    pattern = std::regex(table.pattern);
  } catch (const std::regex_error& error) {
    throw Error(ErrorKind::kUsage, std::string("is no regular expression: ") + error.what(), "label_pattern");
  }
  const DocumentLabels keys(table.rows, table.key);
  const DocumentLabels values(table.rows, field);
  std::map<std::string, std::string> by_key;
  size_t index = 0;
  table.rows.for_each([&](uint64_t, Document&& row) {
    const auto key = keys.of(index, row);
    const auto value = values.of(index++, row);
    if (!key.empty() && !value.empty()) {
      by_key[without_blanks(key.front())] = without_blanks(value.front());
    }
  });
  std::vector<std::string> labels;
  size_t found = 0;
  documents.for_each([&](uint64_t, Document&& document) {
    std::smatch match;
    const bool has_key = std::regex_search(document.source, match, pattern) && match.size() > 1;
    const auto row = has_key ? by_key.find(match[1].str()) : by_key.end();
    labels.push_back(row == by_key.end() ? "" : row->second);
    found += row == by_key.end() ? 0 : 1;
  });
  if (found == 0) {
    throw Error(ErrorKind::kInput, "no document's key is among the " + std::to_string(by_key.size()) + " of the labels",
                "label_key", "label_pattern must take the key out of a document's source; athanor show lists sources");
  }
  return labels;
}

std::vector<std::string> label_names(const std::vector<std::string>& labels) {
  const std::set<std::string> once(labels.begin(), labels.end());
  std::vector<std::string> names;
  std::vector<std::pair<double, std::string>> numbers;
  for (const auto& label : once) {
    double number = 0;
    if (!label.empty()) {
      names.push_back(label);
      if (parse_cell(label, number)) {
        numbers.emplace_back(number, label);
      }
    }
  }
  if (numbers.size() == names.size()) {
    std::sort(numbers.begin(), numbers.end());
    for (size_t i = 0; i < names.size(); ++i) {
      names[i] = numbers[i].second;
    }
  }
  return names;
}

std::vector<bool> held_out(const std::vector<std::string>& labels, const std::vector<std::string>& ids, double share,
                           int64_t seed, bool by_label) {
  std::map<std::string, std::vector<std::pair<uint64_t, size_t>>> groups;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (!labels[i].empty()) {
      groups[by_label ? labels[i] : ""].emplace_back(random_at(static_cast<uint64_t>(seed), xxh3_64(ids[i])), i);
    }
  }
  std::vector<bool> held(labels.size(), false);
  for (auto& [label, members] : groups) {
    std::sort(members.begin(), members.end());
    const auto wanted = static_cast<size_t>(std::lround(share * static_cast<double>(members.size())));
    for (size_t i = 0; i < std::min(wanted, members.size() - 1); ++i) {
      held[members[i].second] = true;
    }
  }
  return held;
}

LabelMeaning learn_labels(const std::vector<std::string>& labels, const std::vector<bool>& held, bool regression) {
  LabelMeaning meaning;
  meaning.regression = regression;
  std::vector<std::string> trained;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (held.empty() || !held[i]) {
      trained.push_back(labels[i]);
    }
  }
  if (!regression) {
    meaning.names = label_names(trained);
    if (meaning.names.size() < 2) {
      throw Error(ErrorKind::kInput,
                  "the training documents have " +
                      (meaning.names.empty() ? std::string("no label") : "only the label '" + meaning.names[0] + "'") +
                      ": there is nothing to tell apart",
                  "label_field");
    }
    if (meaning.names.size() > kMaxLabels) {
      throw Error(ErrorKind::kInput, "there are " + std::to_string(meaning.names.size()) + " different labels",
                  "label_field", "for numbers: task: regression");
    }
    return meaning;
  }
  RunningStatistics statistics;
  for (const auto& label : trained) {
    double number = 0;
    if (parse_cell(label, number)) {
      statistics.add(number);
    }
  }
  if (statistics.count < 2 || statistics.squares <= 0) {
    throw Error(ErrorKind::kInput, "the targets are no numbers, or all the same", "label_field");
  }
  meaning.mean = statistics.mean;
  meaning.deviation = statistics.deviation();
  return meaning;
}

LabelledExamples read_examples(const Documents& documents, const std::vector<std::string>& labels,
                               const std::vector<bool>& wanted, const Inputs& inputs, const LabelMeaning& meaning,
                               RejectLog& rejects) {
  std::map<std::string, int32_t> ids;
  for (size_t i = 0; i < meaning.names.size(); ++i) {
    ids.emplace(meaning.names[i], static_cast<int32_t>(i));
  }
  LabelledExamples out;
  size_t next = 0;
  documents.for_each([&](uint64_t, Document&& document) {
    check_interrupt();
    const size_t index = next++;
    if (!wanted.empty() && !wanted[index]) {
      return;
    }
    const auto reject = [&](const std::string& reason, const std::string& sample) {
      rejects.add({reason, document.source, document.span_begin, sample});
    };
    const std::string& label = labels[index];
    double number = 0;
    const auto id = ids.find(label);
    if (label.empty()) {
      return reject("no label", document.text);
    }
    if (meaning.regression && !parse_cell(label, number)) {
      return reject("label is not a number", label);
    }
    if (!meaning.regression && id == ids.end()) {
      return reject("label not among those trained on", label);
    }
    std::string reason;
    if (!inputs.add(document, out.examples, reason)) {
      return reject(reason, document.text);
    }
    if (meaning.regression) {
      out.targets.push_back(static_cast<float>((number - meaning.mean) / meaning.deviation));
    } else {
      out.labels.push_back(id->second);
    }
    out.documents.push_back(document.id);
  });
  return out;
}

}  // namespace athanor
