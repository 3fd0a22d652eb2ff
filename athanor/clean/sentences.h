// How many sentences a line has, by a stated rule without models or dictionaries:
//
//   - a sentence ends at a mark of its end: . ! ? and their like in any script (published_punctuation.h), with the
//     quotation marks, brackets and further marks that follow;
//   - an ASCII mark ends one only before white space, the line's end, punctuation, or, for a full stop between a
//     lower-case and an upper-case ASCII letter ("end.Next"); so "3.14", "U.S.A" and "a.b" hold none;
//   - a full stop that belongs to its word (abbreviations.h: "J. Smith", "U.S.", "Mr.") ends none;
//   - what stands behind the last mark is a sentence when it holds a letter or a digit; a line that is not blank has
//     at least one.
//
// datatrove splits English with spaCy's sentencizer, whose rule this follows.
#pragma once

#include <cstddef>
#include <string_view>

namespace athanor {

size_t count_sentences(std::string_view line);

}  // namespace athanor
