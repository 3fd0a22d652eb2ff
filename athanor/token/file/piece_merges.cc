#include "athanor/token/file/piece_merges.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "athanor/base/error.h"

namespace athanor::token {

namespace {

using Ids = std::unordered_map<std::string_view, uint32_t>;

bool begins_character(char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; }

struct Cut {
  uint32_t piece;
  uint32_t left, right;        // ids
  uint16_t left_characters, right_characters;
};

constexpr size_t kMaxPieceBytes = 1024;  // the longest known is 256; the cuts of one cost its length squared

std::string_view checked(std::string_view text, const std::string& where) {
  if (text.size() > kMaxPieceBytes) {
    throw Error(ErrorKind::kInput, "a piece has " + std::to_string(text.size()) + " bytes: more than " +
                                       std::to_string(kMaxPieceBytes) + " are not supported in a BPE", where);
  }
  return text;
}

}  // namespace

std::vector<PieceMerge> merges_by_score(const std::vector<ScoredPiece>& pieces, const std::string& where) {
  Ids ids;
  ids.reserve(pieces.size());
  for (uint32_t id = 0; id < pieces.size(); ++id) {
    if (pieces[id].merges) {
      ids.emplace(checked(pieces[id].text, where), id);
    }
  }
  std::vector<Cut> cuts;
  for (const auto& [ignored, id] : ids) {
    const std::string_view text = pieces[id].text;
    const auto length = static_cast<uint16_t>(std::count_if(text.begin(), text.end(), begins_character));
    uint16_t characters = 1;
    for (size_t at = 1; at < text.size(); ++at) {
      if (!begins_character(text[at])) {
        continue;
      }
      const auto left = ids.find(text.substr(0, at));
      const auto right = left == ids.end() ? left : ids.find(text.substr(at));
      if (right != ids.end()) {
        cuts.push_back({id, left->second, right->second, characters, static_cast<uint16_t>(length - characters)});
      }
      ++characters;
    }
  }
  std::sort(cuts.begin(), cuts.end(), [&](const Cut& a, const Cut& b) {
    const float score_a = pieces[a.piece].score, score_b = pieces[b.piece].score;
    if (score_a != score_b) {
      return score_a > score_b;
    }
    if (a.left_characters != b.left_characters) {
      return a.left_characters > b.left_characters;
    }
    if (a.right_characters != b.right_characters) {
      return a.right_characters > b.right_characters;
    }
    return a.piece < b.piece;
  });
  std::vector<PieceMerge> out;
  out.reserve(cuts.size());
  for (const Cut& cut : cuts) {
    out.push_back({cut.left, cut.right});
  }
  return out;
}

std::vector<PieceMerge> merges_by_rank(const std::vector<std::string>& tokens, const std::string& where) {
  Ids ranks;
  ranks.reserve(tokens.size());
  for (uint32_t rank = 0; rank < tokens.size(); ++rank) {
    if (!tokens[rank].empty()) {
      ranks.emplace(checked(tokens[rank], where), rank);
    }
  }
  std::vector<PieceMerge> out;
  std::vector<std::pair<uint32_t, uint32_t>> local;
  for (uint32_t rank = 0; rank < tokens.size(); ++rank) {
    const std::string_view token = tokens[rank];
    local.clear();
    for (size_t at = 1; at < token.size(); ++at) {
      const auto left = ranks.find(token.substr(0, at));
      const auto right = left == ranks.end() ? left : ranks.find(token.substr(at));
      if (right != ranks.end()) {
        local.emplace_back(left->second, right->second);
      }
    }
    std::sort(local.begin(), local.end());
    for (const auto& [left, right] : local) {
      out.push_back({left, right});
    }
  }
  return out;
}

std::string merge_result(const Json& merge) {
  if (merge.is_array()) {
    return merge.at(0).get<std::string>() + merge.at(1).get<std::string>();
  }
  std::string result = merge.get<std::string>();
  result.erase(std::remove(result.begin(), result.end(), ' '), result.end());
  return result;
}

std::vector<std::string> merge_results(const Json& model) {
  std::vector<std::string> out;
  std::unordered_set<std::string> made;
  for (const Json& merge : model.at("merges")) {
    const std::string result = merge_result(merge);
    if (made.insert(result).second) {
      out.push_back(result);
    }
  }
  return out;
}

Json merges_json(const std::vector<PieceMerge>& merges, const std::vector<std::string>& tokens) {
  const auto spaced = [&](uint32_t id) { return tokens[id].find(' ') != std::string::npos; };
  const bool pairs = std::any_of(merges.begin(), merges.end(),
                                 [&](const PieceMerge& merge) { return spaced(merge.left) || spaced(merge.right); });
  Json::array_t out;
  out.reserve(merges.size());
  for (const auto& [left, right] : merges) {
    if (pairs) {
      out.emplace_back(Json::array({tokens[left], tokens[right]}));
    } else {
      out.emplace_back(tokens[left] + ' ' + tokens[right]);
    }
  }
  return Json(std::move(out));
}

}  // namespace athanor::token
