// Where tokens end, for models that only know blanks: fastText classifiers and n-gram models. Chinese and Japanese have
// none, so `characters` and `mixed` put some in.
//
//   cut_text("我爱NLP 2024", TextCut::kMixed)      == "我 爱 NLP 2024"
//   cut_text("a b", TextCut::kCharacters)          == "a ▁ b"       (▁ stands for a run of blanks)
#pragma once

#include <string>
#include <string_view>

namespace athanor {

enum class TextCut {
  kWords,       // at blanks, as the text stands
  kCharacters,  // every code point; a run of white space is the token U+2581
  kMixed        // at blanks, and around each Han, kana or CJK punctuation character
};

// "words", "characters", "mixed"; Error(kInput) that names `where` for any other.
TextCut text_cut(std::string_view name, const std::string& where);
const char* name_of(TextCut cut);

// Writes text with its tokens parted by single blanks into out (kWords: a copy). Newlines stay as blanks.
// Ill-formed bytes become U+FFFD, except with kWords and no lowercase, where bytes are left alone.
void cut_text(std::string_view text, TextCut cut, bool lowercase, std::string& out);
std::string cut_text(std::string_view text, TextCut cut, bool lowercase = false);

// Whether a text comes back unchanged, so that the copy can be spared.
inline bool cuts_nothing(TextCut cut, bool lowercase) { return cut == TextCut::kWords && !lowercase; }

}  // namespace athanor
