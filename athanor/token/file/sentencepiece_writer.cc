// tokenizer.json -> SentencePiece .model, for tokenizers whose every part SentencePiece has too.
#include <algorithm>
#include <unordered_map>

#include "athanor/base/error.h"
#include "athanor/base/base64.h"
#include "athanor/token/file/charsmap_builder.h"
#include "athanor/token/file/formats.h"
#include "athanor/token/file/frame.h"
#include "athanor/token/file/piece_merges.h"
#include "athanor/token/file/sentencepiece_model.h"
#include "athanor/token/pipeline/normalizer.h"
#include "athanor/token/split/split.h"

namespace athanor::token {

namespace {

using Piece = SentencePieceModel::Piece;

constexpr const char* kSpace = "\xE2\x96\x81";  // U+2581

class Writer {
 public:
  Writer(const Json& tokenizer, const std::string& where) : json_(tokenizer), where_(where) {}

  SentencePieceModel model() {
    model_.add_dummy_prefix = model_.remove_extra_whitespaces = model_.escape_whitespaces = false;
    read_normalizer(json_.value("normalizer", Json()));
    build_normalizer();
    read_cuts(json_.value("pre_tokenizer", Json()));
    const Json& model = json_.at("model");
    const std::string type = model.value("type", "");
    model_.byte_fallback = model.value("byte_fallback", false);
    if (type == "Unigram") {
      read_unigram(model);
    } else if (type == "BPE") {
      read_bpe(model);
    } else if (type == "WordLevel") {
      read_words(model);
    } else {
      fail("model.type", "is " + json_string(type));
    }
    if (!model_.escape_whitespaces && model_.kind != SentencePieceModel::Kind::kChar) {
      fail("normalizer", "leaves spaces as they are");
    }
    read_added();
    set_special();
    return std::move(model_);
  }

 private:
  [[noreturn]] void fail(const std::string& field, const std::string& why) const {
    throw Error(ErrorKind::kUsage, "field '" + field + "' " + why + ", which a SentencePiece model cannot say", where_,
                "save it as tokenizer.json");
  }

  static bool is_replace(const Json& part, const char* kind, const std::string& from, const std::string& to) {
    return part.value("type", "") == "Replace" && part.value("content", "?") == to &&
           part.at("pattern").value(kind, "?") == from;
  }

  void read_normalizer(const Json& part) {
    if (part.is_null()) {
      return;
    }
    const std::string type = part.value("type", "");
    if (type == "Sequence") {
      for (const Json& each : part.at("normalizers")) {
        read_normalizer(each);
      }
    } else if (type == "Precompiled") {
      const std::optional<std::string> bytes = from_base64(part.value("precompiled_charsmap", ""));
      if (!bytes || !model_.charsmap.empty() || !character_steps_.empty()) {
        fail("normalizer.precompiled_charsmap", "is not base64, or is not the only map of characters");
      }
      model_.charsmap = *bytes;
    } else if (is_character_step(type)) {
      if (!model_.charsmap.empty() || model_.add_dummy_prefix || model_.escape_whitespaces) {
        fail("normalizer.type", "is " + json_string(type) + " after what SentencePiece does last");
      }
      character_steps_.push_back(part);
    } else if (type == "Prepend" && part.value("prepend", "") == kSpace) {
      model_.add_dummy_prefix = true;
    } else if (is_replace(part, "String", " ", kSpace)) {
      model_.escape_whitespaces = true;
    } else if (is_replace(part, "Regex", kSpaceRuns, " ") || is_replace(part, "Regex", kSpaceRuns, kSpace) ||
               is_replace(part, "Regex", kEdgeSpaces, "") ||
               (type == "Strip" && part.value("strip_right", false))) {
      model_.remove_extra_whitespaces = true;
    } else {
      fail("normalizer.type", "is " + part.dump(-1, ' ', false, Json::error_handler_t::replace));
    }
  }

  void build_normalizer() {
    if (!character_steps_.empty()) {
      const Json steps = sequence("normalizers", character_steps_);
      model_.charsmap = build_charsmap(read_normalizers(Field(steps, "normalizer", where_)));
      model_.normalizer_name = "user_defined";
    }
  }

  // The Splits that cut out user-defined pieces, and Metaspace.
  void read_cuts(const Json& part) {
    if (part.is_null()) {
      return;
    }
    const std::string type = part.value("type", "");
    if (type == "Sequence") {
      for (const Json& each : part.at("pretokenizers")) {
        read_cuts(each);
      }
    } else if (type == "Metaspace" && part.value("replacement", kSpace) == kSpace) {
      const std::string scheme = part.value("prepend_scheme", part.value("add_prefix_space", true) ? "always" : "never");
      model_.escape_whitespaces = true;
      model_.add_dummy_prefix = model_.add_dummy_prefix || scheme != "never";
      cuts_words_ = part.value("split", true);
    } else if (type == "Split" && part.at("pattern").value("Regex", "") == split_kind("char").regex) {
      cuts_characters_ = true;
    } else if (type == "Split" && part.at("pattern").contains("Regex") && part.value("behavior", "") == "Isolated") {
      user_regex_ = part.at("pattern").at("Regex").get<std::string>();
    } else if (type == "Split" && part.at("pattern").value("String", "") == " ") {
      // Gemma: after the normalizer there is no space left to cut at.
    } else if (type != "WhitespaceSplit" || !model_.remove_extra_whitespaces) {
      fail("pre_tokenizer.type", "is " + part.dump(-1, ' ', false, Json::error_handler_t::replace));
    }
  }

  void read_unigram(const Json& model) {
    model_.kind = SentencePieceModel::Kind::kUnigram;
    for (const Json& item : model.at("vocab")) {
      model_.pieces.push_back({item.at(0).get<std::string>(), item.at(1).get<float>(), PieceType::kNormal});
    }
    if (!model.contains("unk_id") || model.at("unk_id").is_null()) {
      fail("model.unk_id", "is missing");
    }
    set_type(model.at("unk_id").get<size_t>(), PieceType::kUnknown);
  }

  void read_vocabulary(const Json& model) {
    for (const std::string& token : VocabularyView(json_).tokens()) {
      model_.pieces.push_back({token, 0, PieceType::kNormal});
      ids_.emplace(token, model_.pieces.size() - 1);
    }
    const Json unknown = model.value("unk_token", Json());
    const auto found = unknown.is_string() ? ids_.find(unknown.get<std::string>()) : ids_.end();
    if (found == ids_.end()) {
      fail("model.unk_token", "is missing");
    }
    set_type(found->second, PieceType::kUnknown);
  }

  // Whole words, which begin with the space before them, or characters.
  void read_words(const Json& model) {
    if (!cuts_characters_ && !cuts_words_) {
      fail("pre_tokenizer", "cuts words otherwise than at spaces");
    }
    model_.kind = cuts_words_ ? SentencePieceModel::Kind::kWord : SentencePieceModel::Kind::kChar;
    read_vocabulary(model);
    rank_pieces(model);
  }

  void read_bpe(const Json& model) {
    model_.kind = SentencePieceModel::Kind::kBpe;
    for (const char* name : {"continuing_subword_prefix", "end_of_word_suffix"}) {
      if (const Json text = model.value(name, Json()); text.is_string() && !text.get<std::string>().empty()) {
        fail(std::string("model.") + name, "is " + text.dump());
      }
    }
    if (model.value("ignore_merges", false)) {
      fail("model.ignore_merges", "is true");
    }
    if (model.at("merges").empty()) {
      model_.kind = SentencePieceModel::Kind::kChar;
    }
    read_vocabulary(model);
    rank_pieces(model);
  }

  // SentencePiece merges whatever makes a known piece, the best score first: scores are the ranks, and the merges of
  // a piece must stand together, or no score says when it is made.
  void rank_pieces(const Json& model) {
    std::string last;
    size_t rank = 0;
    std::unordered_map<std::string, size_t> made;
    for (const Json& merge : model.value("merges", Json::array())) {
      const std::string result = merge_result(merge);
      if (result != last && !made.emplace(result, rank++).second) {
        fail("model.merges", "makes " + json_string(result) + " at two ranks with others between");
      }
      last = result;
    }
    size_t characters = made.size();
    for (size_t id = 0; id < model_.pieces.size(); ++id) {
      const auto found = made.find(model_.pieces[id].text);
      model_.pieces[id].score = -static_cast<float>(found == made.end() ? characters++ : found->second);
    }
  }

  void set_type(size_t id, PieceType type) {
    if (id >= model_.pieces.size()) {
      fail("added_tokens", "has the id " + std::to_string(id) + " with ids left out before it");
    }
    model_.pieces[id].type = type;
    model_.pieces[id].score = 0;
  }

  void read_added() {
    for (const Json& added : json_.at("added_tokens")) {
      const size_t id = added.at("id").get<size_t>();
      const std::string content = added.at("content").get<std::string>();
      for (const char* name : {"lstrip", "rstrip", "single_word"}) {
        if (added.value(name, false)) {
          fail(std::string("added_tokens.") + name, "is true for " + json_string(content));
        }
      }
      if (id == model_.pieces.size()) {
        model_.pieces.push_back({content, 0, PieceType::kNormal});
      }
      if (id >= model_.pieces.size() || model_.pieces[id].type != PieceType::kUnknown) {
        set_type(id, added.value("special", false) ? PieceType::kControl : PieceType::kUserDefined);
        model_.pieces[id].text = content;
      }
    }
    for (size_t id = 0; id < model_.pieces.size(); ++id) {
      Piece& piece = model_.pieces[id];
      if (piece.text.empty()) {
        piece.text = "[PAD" + std::to_string(id) + "]";
        piece.type = PieceType::kUnused;
      }
      const std::string& text = piece.text;
      if (text.find('\0') != std::string::npos) {
        fail("model.vocab", "has a token with the character U+0000, id " + std::to_string(id));
      }
      if (model_.byte_fallback && text.size() == 6 && text.starts_with("<0x") && text.ends_with(">")) {
        piece.type = PieceType::kByte;
        piece.score = 0;
      }
    }
    read_user_regex();
  }

  // "a|b\.c": the pieces that read_sentencepiece cut out as user-defined.
  void read_user_regex() {
    if (user_regex_.empty()) {
      return;
    }
    std::unordered_map<std::string_view, size_t> ids;
    for (size_t id = 0; id < model_.pieces.size(); ++id) {
      ids.emplace(model_.pieces[id].text, id);
    }
    std::string text;
    for (size_t i = 0; i <= user_regex_.size(); ++i) {
      const char c = i < user_regex_.size() ? user_regex_[i] : '|';
      if (c == '\\' && i + 1 < user_regex_.size()) {
        text += user_regex_[++i];
      } else if (c != '|') {
        text += c;
      } else if (const auto found = ids.find(text); found != ids.end()) {
        set_type(found->second, PieceType::kUserDefined);
        text.clear();
      } else {
        fail("pre_tokenizer.pattern", "is " + json_string(user_regex_));
      }
    }
  }

  // trainer_spec's ids: by the names that are usual; -1 where there is none.
  void set_special() {
    const auto find = [&](std::initializer_list<const char*> names, std::string& name) {
      for (const char* each : names) {
        for (size_t id = 0; id < model_.pieces.size(); ++id) {
          if (model_.pieces[id].type == PieceType::kControl && model_.pieces[id].text == each) {
            name = each;
            return static_cast<int32_t>(id);
          }
        }
      }
      return -1;
    };
    model_.unk_id = model_.id_of_type(PieceType::kUnknown);
    model_.unk_piece = model_.pieces[static_cast<size_t>(model_.unk_id)].text;
    model_.bos_id = find({"<s>", "<bos>", "<|startoftext|>", "<|begin_of_text|>"}, model_.bos_piece);
    model_.eos_id = find({"</s>", "<eos>", "<|endoftext|>", "<|end_of_text|>"}, model_.eos_piece);
    model_.pad_id = find({"<pad>", "[PAD]"}, model_.pad_piece);
    restore_scores();
  }

  // Scores that only kept pieces from matching text (see sentencepiece.cc) go back to 0.
  void restore_scores() {
    for (Piece& piece : model_.pieces) {
      if (piece.type != PieceType::kNormal) {
        piece.score = 0;
      }
    }
    for (const Json& merge : json_.at("model").value("merges", Json::array())) {
      const auto found = ids_.find(merge_result(merge));
      if (found != ids_.end() && model_.pieces[found->second].type != PieceType::kNormal) {
        fail("model.merges", "makes the added token " + json_string(found->first));
      }
    }
  }

  const Json& json_;
  const std::string& where_;
  SentencePieceModel model_;
  std::unordered_map<std::string, size_t> ids_;
  std::string user_regex_;
  Json character_steps_ = Json::array();
  bool cuts_words_ = false, cuts_characters_ = false;
};

}  // namespace

SentencePieceModel sentencepiece_from_json(const Json& tokenizer, const std::string& where) {
  return Writer(tokenizer, where).model();
}

std::string write_sentencepiece_model(const Json& tokenizer, const std::string& where) {
  return write_sentencepiece(sentencepiece_from_json(tokenizer, where));
}

}  // namespace athanor::token
