// report.json and report.html of the verb tokenizer: fertility by language and source, tokens that nobody uses,
// the longest ones, and other tokenizers on the same text. Nothing in them depends on the machine or the clock.
#include <algorithm>
#include <map>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/unicode.h"
#include "athanor/base/version.h"
#include "athanor/run/report.h"
#include "athanor/stage/describe_text.h"
#include "athanor/stage/tokenizer_recipe.h"
#include "athanor/token/train/piece_source.h"

namespace athanor {

namespace {

using Json = nlohmann::json;

constexpr size_t kGroups = 30;  // listed, by text
constexpr size_t kTokensListed = 40;
constexpr size_t kScriptBytes = 4096;  // of a text, to tell its script

struct Fertility {
  uint64_t bytes = 0, characters = 0, words = 0, han = 0, tokens = 0, han_tokens = 0;

  void add(const Fertility& other) {
    bytes += other.bytes;
    characters += other.characters;
    words += other.words;
    han += other.han;
    tokens += other.tokens;
    han_tokens += other.han_tokens;
  }

  Json to_json() const {
    const auto ratio = [](uint64_t a, uint64_t b) {
      return b == 0 ? Json(nullptr) : Json(static_cast<double>(a) / static_cast<double>(b));
    };
    return {{"text_bytes", bytes},
            {"characters", characters},
            {"words", words},
            {"han_characters", han},
            {"tokens", tokens},
            {"tokens_per_byte", ratio(tokens, bytes)},
            {"bytes_per_token", ratio(bytes, tokens)},
            {"tokens_per_word", ratio(tokens, words)},
            {"tokens_per_han_character", ratio(han_tokens, han)}};
  }
};

// Words are what white space parts; Han characters are encoded once more, run by run, for their own figure.
struct Shape {
  Fertility counts;
  std::string han;  // runs, parted by newlines
  std::map<std::string, uint64_t> scripts;
};

Shape shape_of(std::string_view text) {
  Shape shape;
  shape.counts.bytes = text.size();
  bool in_word = false, in_han = false;
  for (const char *p = text.data(), *begin = p, *end = p + text.size(); p != end;) {
    const char32_t c = decode_utf8(p, end);
    const bool space = is_space(c), han = is_han(c);
    ++shape.counts.characters;
    shape.counts.words += !space && !in_word ? 1 : 0;
    in_word = !space;
    if (han) {
      ++shape.counts.han;
      append_utf8(shape.han, c);
    } else if (in_han) {
      shape.han.push_back('\n');
    }
    in_han = han;
    if (static_cast<size_t>(p - begin) < kScriptBytes && is_letter(c)) {
      ++shape.scripts[script_of(c)];
    }
  }
  return shape;
}

std::string language_of(const Document& document, const Shape& shape) {
  if (document.meta.find("\"lang") != std::string::npos) {
    const Json meta = Json::parse(document.meta, nullptr, false);
    for (const char* name : {"language", "lang"}) {
      if (meta.is_object() && meta.contains(name) && meta[name].is_string()) {
        return meta[name].get<std::string>();
      }
    }
  }
  std::string best = "none";
  uint64_t most = 0;
  for (const auto& [script, letters] : shape.scripts) {
    if (letters > most) {
      best = script;
      most = letters;
    }
  }
  return best;
}

std::string source_of(const std::string& source) {
  const size_t scheme = source.find("://");
  const size_t slash = source.find('/', scheme == std::string::npos ? 0 : scheme + 3);
  return slash == std::string::npos ? source : source.substr(0, slash);
}

struct Group {
  Fertility all;
  std::map<std::string, Fertility> languages, sources;
};

class Measurer {
 public:
  Measurer(const TokenizerReport& about, ThreadPool& pool) : about_(about), pool_(pool) { read_texts(); }

  // uses (may be null): how often each token stands in the texts.
  Group measure(const Tokenizer& tokenizer, std::vector<uint64_t>* uses) {
    Group group;
    for (size_t first = 0; first < texts_.size(); first += kBatch) {
      check_interrupt();
      const size_t end = std::min(texts_.size(), first + kBatch);
      std::vector<std::string_view> views, han;
      for (size_t i = first; i < end; ++i) {
        views.push_back(texts_[i]);
        han.push_back(shapes_[i].han);
      }
      std::vector<std::vector<int32_t>> ids, han_ids;
      encode_batch(tokenizer, views, pool_, ids);
      encode_batch(tokenizer, han, pool_, han_ids);
      for (size_t i = first; i < end; ++i) {
        Fertility one = shapes_[i].counts;
        one.tokens = ids[i - first].size();
        one.han_tokens = tokens_without_newlines(tokenizer, han_ids[i - first]);
        group.all.add(one);
        group.languages[languages_[i]].add(one);
        group.sources[sources_[i]].add(one);
        for (const int32_t id : ids[i - first]) {
          if (uses != nullptr && id >= 0 && static_cast<size_t>(id) < uses->size()) {
            ++(*uses)[id];
          }
        }
      }
    }
    return group;
  }

  uint64_t num_texts() const { return texts_.size(); }

 private:
  static constexpr size_t kBatch = 512;

  void read_texts() {
    uint64_t bytes = 0;
    for (size_t shard = 0; shard < about_.texts.num_shards() && bytes < limit(); ++shard) {
      about_.texts.for_each_in(shard, [&](uint64_t, Document&& document) {
        if (bytes >= limit()) {
          return;
        }
        check_interrupt();
        bytes += document.text.size();
        shapes_.push_back(shape_of(document.text));
        languages_.push_back(language_of(document, shapes_.back()));
        sources_.push_back(source_of(document.source));
        texts_.push_back(std::move(document.text));
      });
    }
  }
  uint64_t limit() const { return static_cast<uint64_t>(about_.recipe.report_bytes); }

  static uint64_t tokens_without_newlines(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
    uint64_t tokens = 0;
    for (const int32_t id : ids) {
      tokens += tokenizer.token_bytes(id) == "\n" ? 0 : 1;
    }
    return tokens;
  }

  const TokenizerReport& about_;
  ThreadPool& pool_;
  std::vector<std::string> texts_, languages_, sources_;
  std::vector<Shape> shapes_;
};

Json groups_json(const std::map<std::string, Fertility>& groups) {
  std::vector<std::pair<uint64_t, std::string>> order;
  for (const auto& [name, fertility] : groups) {
    order.emplace_back(~fertility.bytes, name);
  }
  std::sort(order.begin(), order.end());
  Json list = Json::array();
  for (size_t i = 0; i < std::min(order.size(), kGroups); ++i) {
    Json one = groups.at(order[i].second).to_json();
    one["name"] = order[i].second;
    list.push_back(std::move(one));
  }
  return list;
}

Json token_json(const Tokenizer& tokenizer, int32_t id, uint64_t uses) {
  const std::string& bytes = tokenizer.token_bytes(id);
  return {{"id", id}, {"text", repair_utf8(bytes)}, {"bytes", bytes.size()}, {"uses", uses}};
}

// Tokens that the texts do not use; those that their own text is not encoded to (byte-level only: elsewhere a
// word's beginning is marked); those that end inside a character.
Json tokens_json(const Tokenizer& tokenizer, const std::vector<uint64_t>& uses, bool of_bytes) {
  std::vector<int32_t> unused, unreachable, fragments, longest;
  std::vector<int32_t> ids;
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    const std::string& bytes = tokenizer.token_bytes(id);
    if (bytes.empty() || tokenizer.is_special(id)) {
      continue;
    }
    longest.push_back(id);
    if (uses[id] == 0) {
      unused.push_back(id);
    }
    if (!is_valid_utf8(bytes)) {
      fragments.push_back(id);
    } else if (of_bytes) {
      ids.clear();
      tokenizer.encode(bytes, ids);
      if (ids.size() != 1 || ids[0] != id) {
        unreachable.push_back(id);
      }
    }
  }
  const auto by_length = [&](int32_t a, int32_t b) {
    const size_t x = tokenizer.token_bytes(a).size(), y = tokenizer.token_bytes(b).size();
    return x != y ? x > y : a < b;
  };
  const auto list = [&](std::vector<int32_t> chosen) {
    std::sort(chosen.begin(), chosen.end(), by_length);
    Json out = Json::array();
    for (size_t i = 0; i < std::min(chosen.size(), kTokensListed); ++i) {
      out.push_back(token_json(tokenizer, chosen[i], uses[chosen[i]]));
    }
    return out;
  };
  return {{"unused", unused.size()},           {"unused_longest", list(unused)},
          {"unreachable", unreachable.size()}, {"unreachable_longest", list(unreachable)},
          {"fragments", fragments.size()},     {"longest", list(longest)}};
}

std::string json_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string number_of(const Json& value, int digits) {
  return value.is_number() ? fixed_number(value.get<double>(), digits) : "";
}

TableBlock fertility_table(const std::string& caption, const std::string& what, const Json& list) {
  TableBlock table{
      .caption = caption,
      .header = {what, "text", "tokens", "bytes a token", "tokens a word", "tokens a Chinese character"}};
  for (const Json& row : list) {
    table.rows.push_back({row.value("name", ""), human_bytes(row["text_bytes"].get<double>()),
                          grouped_integer(row["tokens"].get<int64_t>()), number_of(row["bytes_per_token"], 3),
                          number_of(row["tokens_per_word"], 3), number_of(row["tokens_per_han_character"], 3)});
  }
  return table;
}

TableBlock token_table(const std::string& caption, const Json& list) {
  TableBlock table{.caption = caption, .header = {"id", "token", "bytes", "uses in the texts"}};
  for (const Json& row : list) {
    table.rows.push_back({std::to_string(row["id"].get<int64_t>()), json_text(row["text"]),
                          grouped_integer(row["bytes"].get<int64_t>()),
                          grouped_integer(row["uses"].get<int64_t>())});
  }
  return table;
}

Report page_of(const Json& all, const TokenizerReport& about) {
  Report page{.title = "tokenizer, " + about.recipe.kind,
              .subtitle = grouped_integer(all["vocab_size"].get<int64_t>()) + " tokens"};
  const Json& fertility = all["fertility"];
  const std::string how = about.held_out ? "on held-out documents" : "on the documents it was trained on";
  page.figures.push_back({"bytes a token", number_of(fertility["bytes_per_token"], 3), "", "", how});
  page.figures.push_back(
      {"tokens a word", number_of(fertility["tokens_per_word"], 3), "", "", "words parted by white space"});
  if (fertility["tokens_per_han_character"].is_number()) {
    page.figures.push_back(
        {"tokens a Chinese character", number_of(fertility["tokens_per_han_character"], 3), "", "", ""});
  }
  page.figures.push_back({"unused tokens", grouped_integer(all["tokens"]["unused"].get<int64_t>()), "", "",
                          "in " + human_bytes(fertility["text_bytes"].get<double>()) + " of text"});
  ReportSection where{.title = "Fertility"};
  where.blocks.push_back(
      fertility_table("By language, or by script where the documents name none", "language", all["languages"]));
  where.blocks.push_back(fertility_table("By source", "source", all["sources"]));
  if (all["compared"].size() > 1) {
    where.blocks.push_back(fertility_table("Other tokenizers on the same text", "tokenizer", all["compared"]));
  }
  page.sections.push_back(std::move(where));
  ReportSection tokens{.title = "Tokens"};
  tokens.intro = grouped_integer(all["tokens"]["unreachable"].get<int64_t>()) +
                 " tokens are not what their own text is encoded to, " +
                 grouped_integer(all["tokens"]["fragments"].get<int64_t>()) + " end inside a character.";
  tokens.blocks.push_back(token_table("The longest", all["tokens"]["longest"]));
  tokens.blocks.push_back(
      token_table("The longest that the texts do not use", all["tokens"]["unused_longest"]));
  if (!all["tokens"]["unreachable_longest"].empty()) {
    tokens.blocks.push_back(
        token_table("Not what their own text is encoded to", all["tokens"]["unreachable_longest"]));
  }
  page.sections.push_back(std::move(tokens));
  ReportSection trained{.title = "Training"};
  KeyValueBlock values;
  for (const auto& [key, value] : all["trained"].items()) {
    values.items.push_back({key,
                            value.is_number_integer() ? grouped_integer(value.get<int64_t>())
                            : value.is_number()       ? human_number(value.get<double>(), 6)
                                                      : json_text(value),
                            ""});
  }
  trained.blocks.push_back(std::move(values));
  page.sections.push_back(std::move(trained));
  page.footer = "athanor " + std::string(kVersion);
  page.data = all;
  return page;
}

}  // namespace

nlohmann::json write_tokenizer_report(const TokenizerReport& about, const Tokenizer& tokenizer,
                                      const fs::path& dir, ThreadPool& pool) {
  Measurer measurer(about, pool);
  std::vector<uint64_t> uses(static_cast<size_t>(tokenizer.vocab_size()), 0);
  const Group own = measurer.measure(tokenizer, &uses);
  bool of_bytes = false;
  for (const auto& kind : token::cut_kinds()) {
    of_bytes = of_bytes || (kind.name == about.recipe.pre_tokenizer && kind.byte_level);
  }
  Json all{{"vocab_size", tokenizer.vocab_size()},
           {"held_out", about.held_out},
           {"documents", measurer.num_texts()},
           {"fertility", own.all.to_json()},
           {"languages", groups_json(own.languages)},
           {"sources", groups_json(own.sources)},
           {"tokens", tokens_json(tokenizer, uses, of_bytes)},
           {"trained", about.trained}};
  Json mine = own.all.to_json();
  mine["name"] = "this one (" + grouped_integer(tokenizer.vocab_size()) + ")";
  all["compared"] = Json::array({mine});
  for (const auto& [name, path] : about.compared) {
    const Tokenizer other = Tokenizer::load(path);
    Json theirs = measurer.measure(other, nullptr).all.to_json();
    theirs["name"] = name + " (" + grouped_integer(other.vocab_size()) + ")";
    theirs["vocab_size"] = other.vocab_size();
    all["compared"].push_back(std::move(theirs));
  }
  make_dirs(dir);
  write_report(page_of(all, about), dir);
  return all;
}

}  // namespace athanor
