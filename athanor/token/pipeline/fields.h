// What the readers of tokenizer.json's sections share.
#pragma once

#include <initializer_list>
#include <string>

#include "athanor/token/file/json_field.h"

namespace athanor::token {

// A member that is neither "type" nor among names would be ignored without a word: Error(kInput) instead.
void refuse_other_fields(const Field& field, std::initializer_list<const char*> names);

// A string of exactly one character.
char32_t read_character(const Field& field);

}  // namespace athanor::token
