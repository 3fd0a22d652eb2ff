// What the readers of tokenizer.json's sections share.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>

#include "athanor/base/error.h"
#include "athanor/token/file/json_field.h"

namespace athanor::token {

// A member that is neither "type" nor among names would be ignored without a word: Error(kInput) instead.
void refuse_other_fields(const Field& field, std::initializer_list<const char*> names);

// What a step does to a text, with the step's field and file in the errors of a text that it cannot take.
template <class Apply>
auto naming(const Field& field, Apply apply) {
  return [place = field.path(), where = field.where(), apply = std::move(apply)](auto& text) {
    try {
      apply(text);
    } catch (const Error& error) {
      throw Error(error.kind(), "field '" + place + "': " + error.message(), where, error.hint());
    }
  };
}

// A string of exactly one character.
char32_t read_character(const Field& field);

}  // namespace athanor::token
