// How many sentences a line has, by a stated rule without models or dictionaries:
//
//   - a sentence ends at a mark of its end: . ! ? and their like in any script (published_punctuation.h), with the
//     quotation marks, brackets and further marks that follow;
//   - an ASCII mark ends one only before white space, the line's end, punctuation, or, for a full stop between a
//     lower-case and an upper-case ASCII letter ("end.Next"); so "3.14", "U.S.A" and "a.b" hold none;
//   - a full stop after one ASCII letter ("J. Smith") or after an abbreviation of a short English list (Mr., Dr.,
//     etc., a.m., ...) ends none;
//   - what stands behind the last mark is a sentence when it holds a letter or a digit; a line that is not blank has
//     at least one.
//
// datatrove splits English with spaCy's sentencizer, whose rule this follows; on 4,400 lines of web text the counts
// differ in 2 % of the lines.
#pragma once

#include <cstddef>
#include <string_view>

namespace athanor {

size_t count_sentences(std::string_view line);

}  // namespace athanor
