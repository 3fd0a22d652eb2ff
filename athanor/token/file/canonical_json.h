// tokenizer.json as HF tokenizers itself writes it: the same members in the same order, defaults spelt out, the
// layout of serde_json. So what HF wrote comes back byte for byte, and HF would write the same from what we wrote.
#pragma once

#include <string>
#include <string_view>

#include "athanor/token/file/json_field.h"

namespace athanor::token {

// A section ("normalizer", "added_tokens", "truncation", ...), without line breaks.
std::string canonical_section(const std::string& name, const Json& value);

// JSON text laid out anew: in lines indented by two blanks, or without any white space.
std::string layout_json(std::string_view text, bool in_lines);

// The shortest decimals that give the number back, as serde_json spells them.
std::string json_number(double value);

}  // namespace athanor::token
