#include "athanor/token/file/canonical_json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <initializer_list>
#include <vector>

namespace athanor::token {

namespace {

struct Member {
  const char* name;
  const char* otherwise = nullptr;  // JSON, when the file leaves it out
};
struct Shape {
  const char* of;  // "type", or what kind of object it is
  std::initializer_list<Member> members;
};

const Shape kShapes[] = {
    {"BertNormalizer", {{"clean_text"}, {"handle_chinese_chars"}, {"strip_accents", "null"}, {"lowercase"}}},
    {"Strip", {{"strip_left"}, {"strip_right"}, {"content"}, {"start"}, {"stop"}}},
    {"Replace", {{"pattern"}, {"content"}}},
    {"Prepend", {{"prepend"}}},
    {"Precompiled", {{"precompiled_charsmap"}, {"longest_match"}}},
    {"ByteLevel", {{"add_prefix_space"}, {"trim_offsets"}, {"use_regex"}}},
    {"Split", {{"pattern"}, {"behavior"}, {"invert"}}},
    {"Punctuation", {{"behavior", "\"Isolated\""}}},
    {"Digits", {{"individual_digits"}}},
    {"Metaspace", {{"replacement"}, {"prepend_scheme", "\"always\""}, {"split", "true"}}},
    {"CharDelimiterSplit", {{"delimiter"}}},
    {"FixedLength", {{"length", "5"}}},
    {"TemplateProcessing", {{"single"}, {"pair"}, {"special_tokens"}}},
    {"BertProcessing", {{"sep"}, {"cls"}}},
    {"RobertaProcessing", {{"sep"}, {"cls"}, {"trim_offsets"}, {"add_prefix_space"}}},
    {"WordPiece", {{"prefix"}, {"cleanup"}}},
    {"BPEDecoder", {{"suffix"}}},
    {"CTC", {{"pad_token"}, {"word_delimiter_token"}, {"cleanup"}}},
    {"Sequence", {{"normalizers"}, {"pretokenizers"}, {"processors"}, {"decoders"}}},
    {"added_tokens",
     {{"id"}, {"content"}, {"single_word", "false"}, {"lstrip", "false"}, {"rstrip", "false"}, {"normalized", "true"},
      {"special", "false"}}},
    {"truncation", {{"direction", "\"Right\""}, {"max_length"}, {"strategy"}, {"stride"}}},
    {"padding", {{"strategy"}, {"direction"}, {"pad_to_multiple_of", "null"}, {"pad_id"}, {"pad_type_id"}, {"pad_token"}}},
};

const Shape* find_shape(const std::string& name) {
  for (const Shape& shape : kShapes) {
    if (name == shape.of) {
      return &shape;
    }
  }
  return nullptr;
}

void write(const std::string& name, const Json& value, std::string& out);

void write_object(const std::string& name, const Json& value, std::string& out) {
  const bool typed = value.contains("type") && value["type"].is_string();
  const std::string type = typed ? value["type"].get<std::string>() : name;
  const Shape* const shape = find_shape(type);
  const char* separator = "";
  const auto put = [&](const std::string& key, const std::string& text) {
    out += separator + json_string(key) + ":" + text;
    separator = ",";
  };
  out += "{";
  if (typed) {
    put("type", json_string(type));
  }
  const bool plain_byte_level = type == "ByteLevel" && name == "normalizer";
  if (shape == nullptr) {
    for (const auto& [key, member] : value.items()) {
      if (!typed || key != "type") {
        std::string text;
        write("", member, text);
        put(key, text);
      }
    }
  } else {
    for (const Member& member : shape->members) {
      const bool there = value.contains(member.name);
      if (plain_byte_level || (!there && member.otherwise == nullptr)) {
        continue;
      }
      std::string text = there ? "" : member.otherwise;
      if (there) {
        write(type == "Sequence" ? name : "", value[member.name], text);
      }
      const bool no_prefix = type == "Metaspace" && !there && value.value("add_prefix_space", true) == false;
      put(member.name, no_prefix && std::strcmp(member.name, "prepend_scheme") == 0 ? "\"never\"" : text);
    }
    if (type == "ByteLevel" && !plain_byte_level && !value.contains("use_regex")) {
      put("use_regex", "true");
    }
  }
  out += "}";
}

void write(const std::string& name, const Json& value, std::string& out) {
  if (value.is_object()) {
    write_object(name, value, out);
  } else if (value.is_array()) {
    const char* separator = "[";
    for (const Json& item : value) {
      out += separator;
      write(name, item, out);
      separator = ",";
    }
    out += value.empty() ? "[]" : "]";
  } else if (value.is_string()) {
    out += json_string(value.get_ref<const std::string&>());
  } else if (value.is_number_float()) {
    out += json_number(value.get<double>());
  } else {
    out += value.dump();
  }
}

}  // namespace

std::string canonical_section(const std::string& name, const Json& value) {
  std::string out;
  write(name, value, out);
  return out;
}

std::string layout_json(std::string_view text, bool in_lines) {
  std::string out;
  out.reserve(text.size() + text.size() / 2);
  size_t depth = 0;
  const auto new_line = [&] {
    if (in_lines) {
      out += '\n';
      out.append(2 * depth, ' ');
    }
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      size_t end = i + 1;
      while (text[end] != '"') {
        end += text[end] == '\\' ? 2 : 1;
      }
      out.append(text, i, end + 1 - i);
      i = end;
    } else if (c == '{' || c == '[') {
      out += c;
      size_t next = i + 1;
      while (text[next] == ' ' || text[next] == '\n') {
        ++next;
      }
      if (text[next] == '}' || text[next] == ']') {
        out += text[next];
        i = next;
      } else {
        ++depth;
        new_line();
      }
    } else if (c == '}' || c == ']') {
      --depth;
      new_line();
      out += c;
    } else if (c == ',') {
      out += c;
      new_line();
    } else if (c == ':') {
      out += in_lines ? ": " : ":";
    } else if (c != ' ' && c != '\n') {
      out += c;
    }
  }
  return out;
}

std::string json_number(double value) {
  if (value == 0) {
    return std::signbit(value) ? "-0.0" : "0.0";
  }
  char scientific[40];
  const auto end = std::to_chars(scientific, scientific + sizeof(scientific), value, std::chars_format::scientific).ptr;
  std::string digits;
  const char* p = scientific;
  const bool negative = *p == '-';
  for (; p != end && *p != 'e'; ++p) {
    if (*p >= '0' && *p <= '9') {
      digits += *p;
    }
  }
  int exponent = 0;
  std::from_chars(p + (p[1] == '+' ? 2 : 1), end, exponent);
  const int point = exponent + 1;  // digits before the decimal point
  const int count = static_cast<int>(digits.size());
  std::string out;
  if (count <= point && point <= 16) {
    out = digits + std::string(static_cast<size_t>(point - count), '0') + ".0";
  } else if (point > 0 && point <= 16) {
    out = digits.substr(0, static_cast<size_t>(point)) + "." + digits.substr(static_cast<size_t>(point));
  } else if (point > -5 && point <= 0) {
    out = "0." + std::string(static_cast<size_t>(-point), '0') + digits;
  } else {
    out = digits.substr(0, 1) + (count > 1 ? "." + digits.substr(1) : "") + "e" + std::to_string(exponent);
  }
  return negative ? "-" + out : out;
}

}  // namespace athanor::token
