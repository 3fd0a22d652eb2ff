#!/usr/bin/env python3
"""Writes athanor/token/split/script_table.cc: the scripts of characters as HF tokenizers 0.23.3 has them.

    python3 scripts/make_token_scripts.py > athanor/token/split/script_table.cc     # needs: tokenizers==0.23.3

Two lists, both by asking the library about every code point: the scripts that its regexes know as \\p{Han} and so on
(Unicode 16), and the groups of characters that the pre-tokenizer UnicodeScripts does not part ("groups").
"""
import tokenizers
from tokenizers import Regex, pre_tokenizers

assert tokenizers.__version__ == "0.23.3", tokenizers.__version__
CODES = [code for code in range(0x110000) if not 0xd800 <= code < 0xe000]
TEXT = "".join(map(chr, CODES))
NAMES = ("Arabic Armenian Bengali Bopomofo Common Cyrillic Devanagari Ethiopic Georgian Greek Gujarati Gurmukhi Han "
         "Hangul Hebrew Hiragana Inherited Kannada Katakana Khmer Lao Latin Malayalam Mongolian Myanmar Oriya Sinhala "
         "Tamil Telugu Thaana Thai Tibetan Yi").split()


def ranges(codes):
    out = []
    for code in sorted(codes):
        if out and out[-1][1] + 1 == code:
            out[-1][1] = code
        else:
            out.append([code, code])
    return out


def matched(regex):
    split = pre_tokenizers.Split(Regex(regex), behavior="removed", invert=True)
    return {CODES[i] for _, (begin, end) in split.pre_tokenize_str(TEXT) for i in range(begin, end)}


def groups():
    """code -> group from 1; characters of no group (the library's "Any") are left out."""
    pre = pre_tokenizers.UnicodeScripts()

    def together(a, b):
        return len(pre.pre_tokenize_str(chr(a) + chr(b))) == 1

    first, out, last = [], {}, None
    for code in CODES:
        if together(0x61, code) and together(0x431, code):
            continue
        if last is None or not together(first[last], code):
            last = next((i for i, each in enumerate(first) if together(each, code)), len(first))
            if last == len(first):
                first.append(code)
        out[code] = last + 1
    return out


def main():
    print("// Written by scripts/make_token_scripts.py from what tokenizers 0.23.3 does; do not edit.")
    print('#include "athanor/token/split/script_table.h"\n\n#include <algorithm>\n\nnamespace athanor::token {\n')
    print("namespace {\n")
    lists = {name: ranges(matched(r"\p{%s}+" % name)) for name in NAMES}
    for name, rows in lists.items():
        print(f"constexpr ScriptRange k{name}[] = {{")
        cells = [f"{{{a}, {b}}}" for a, b in rows]
        print("\n".join("    " + ", ".join(cells[i:i + 7]) + "," for i in range(0, len(cells), 7)) + "\n};")
    print("constexpr Script kScripts[] = {")
    print("\n".join(f'    {{"{name}", k{name}, {len(rows)}}},' for name, rows in lists.items()) + "\n};")
    runs = []
    for code, group in sorted(groups().items()):
        if runs and runs[-1][1] + 1 == code and runs[-1][2] == group:
            runs[-1][1] = code
        else:
            runs.append([code, code, group])
    print("struct Group {\n  uint32_t first, last;\n  uint16_t group;\n};\nconstexpr Group kGroups[] = {")
    cells = [f"{{{a}, {b}, {group}}}" for a, b, group in runs]
    print("\n".join("    " + ", ".join(cells[i:i + 5]) + "," for i in range(0, len(cells), 5)) + "\n};")
    print("""
template <typename Range>
const Range* range_of(const Range* first, const Range* last, char32_t code) {
  const Range* const after =
      std::upper_bound(first, last, code, [](char32_t wanted, const Range& range) { return wanted < range.first; });
  return after != first && code <= after[-1].last ? after - 1 : nullptr;
}

}  // namespace

std::span<const Script> scripts() { return kScripts; }

bool in_script(char32_t code, const char* name) {
  for (const Script& script : kScripts) {
    if (script.name == name) {
      return range_of(script.ranges, script.ranges + script.num_ranges, code) != nullptr;
    }
  }
  return false;
}

int script_group(char32_t code) {
  const Group* const group = range_of(std::begin(kGroups), std::end(kGroups), code);
  return group == nullptr ? 0 : group->group;
}

}  // namespace athanor::token""")


main()
