#!/usr/bin/env python3
"""Writes athanor/token/split/class_table.cc: the classes of characters as HF tokenizers 0.23.3 has them.

    python3 scripts/make_token_classes.py > athanor/token/split/class_table.cc      # needs: tokenizers==0.23.3

That library mixes Unicode versions (its regex engines 16, Rust's own char 17, BERT's punctuation 8, its normal forms
9), so the library itself is asked about every code point. DerivedAge.txt and UnicodeData.txt (Debian: unicode-data
15.0.0-1) give the characters that came after Unicode 9 and have a combining class or a decomposition.
"""
import os
import sys

import tokenizers
from tokenizers import Regex, normalizers, pre_tokenizers

assert tokenizers.__version__ == "0.23.3", tokenizers.__version__
UCD = sys.argv[1] if len(sys.argv) > 1 else "/usr/share/unicode"
CODES = [code for code in range(0x110000) if not 0xd800 <= code < 0xe000]
TEXT = "".join(map(chr, CODES))
CATEGORIES = ("Cn Cc Cf Co Cs Ll Lm Lo Lt Lu Mc Me Mn Nd Nl No Pc Pd Pe Pf Pi Po Ps Sc Sk Sm So Zl Zp Zs").split()
BLOCK = 128


def matched(regex):
    """The code points that a regex of one class matches."""
    split = pre_tokenizers.Split(Regex(regex), behavior="removed", invert=True)
    return {CODES[i] for _, (begin, end) in split.pre_tokenize_str(TEXT) for i in range(begin, end)}


def removed(pre_tokenizer):
    """The code points that a pre-tokenizer leaves out."""
    kept = {CODES[i] for _, (begin, end) in pre_tokenizer.pre_tokenize_str(TEXT) for i in range(begin, end)}
    return set(CODES) - kept


def joins(pre_tokenizer, left, wanted):
    return {code for code in CODES if len(pre_tokenizer.pre_tokenize_str(left + chr(code))) == wanted}


def dropped(normalizer):
    return {code for code in CODES if normalizer.normalize_str("a" + chr(code) + "b") == "ab"}


def ages():
    out = {}
    with open(os.path.join(UCD, "DerivedAge.txt"), encoding="utf-8") as file:
        for line in file:
            fields = line.split("#")[0].strip().split(";")
            if len(fields) == 2:
                first, _, last = fields[0].strip().partition("..")
                for code in range(int(first, 16), int(last or first, 16) + 1):
                    out[code] = float(fields[1])
    return out


def late():
    """Characters whose normalisation came after Unicode 9: they are left as they are."""
    age, out = ages(), set()
    with open(os.path.join(UCD, "UnicodeData.txt"), encoding="utf-8") as file:
        for line in file:
            fields = line.split(";")
            code = int(fields[0], 16)
            if age.get(code, 99) > 9.0 and (fields[3] != "0" or fields[5]):
                out.add(code)
    return out


def bert(**flags):
    every = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**every, **flags})


def lower_case():
    lower = normalizers.Lowercase()
    return {code: [ord(c) for c in lower.normalize_str(chr(code))] for code in CODES
            if lower.normalize_str(chr(code)) != chr(code)}


def simple_lower_of_ucd():
    out = {}
    with open(os.path.join(UCD, "UnicodeData.txt"), encoding="utf-8") as file:
        for line in file:
            fields = line.split(";")
            if fields[13]:
                out[int(fields[0], 16)] = [int(fields[13], 16)]
    return out


def rows(values, per_row):
    return "\n".join("    " + ", ".join(map(str, values[i:i + per_row])) + ","
                     for i in range(0, len(values), per_row))


def main():
    category = {code: index for index, name in enumerate(CATEGORIES) if name not in ("Cs",)
                for code in matched(r"\p{%s}+" % name)}
    assert len(category) == len(CODES)
    bits = [matched(r"\w+"), joins(pre_tokenizers.Whitespace(), "a", 1) - removed(pre_tokenizers.Whitespace()),
            joins(pre_tokenizers.Digits(individual_digits=True), "a", 2),
            removed(pre_tokenizers.Punctuation(behavior="removed")), dropped(bert(clean_text=True)),
            dropped(bert(strip_accents=True)), dropped(normalizers.StripAccents()), late(),
            removed(pre_tokenizers.WhitespaceSplit()), matched("[[:alpha:]]+")]
    values = [CATEGORIES.index("Cs")] * 0x110000
    for code in CODES:
        values[code] = category[code] | sum(1 << (5 + i) for i, members in enumerate(bits) if code in members)
    records = sorted(set(values), key=values.index)
    index = {value: i for i, value in enumerate(records)}
    assert len(records) <= 256
    blocks, stage1 = {}, []
    for first in range(0, 0x110000, BLOCK):
        block = tuple(index[value] for value in values[first:first + BLOCK])
        stage1.append(blocks.setdefault(block, len(blocks)))
    stage2 = [value for block in blocks for value in block]
    known = simple_lower_of_ucd()
    extra = sorted((code, to) for code, to in lower_case().items() if known.get(code) != to and len(to) == 1)
    assert set(known) <= set(lower_case())
    print("// Written by scripts/make_token_classes.py from what tokenizers 0.23.3 does; do not edit.")
    print('#include "athanor/token/split/class_table.h"\n\nnamespace athanor::token::class_table {\n')
    print(f"const uint16_t kRecords[{len(records)}] = {{\n{rows(records, 16)}\n}};")
    print(f"const uint16_t kStage1[{len(stage1)}] = {{\n{rows(stage1, 24)}\n}};")
    print(f"const uint8_t kStage2[{len(stage2)}] = {{\n{rows(stage2, 28)}\n}};")
    print(f"const LowerCase kLowerCase[{len(extra)}] = {{")
    print("\n".join(f"    {{{code}, {to[0]}}}," for code, to in extra))
    print(f"}};\nconst size_t kNumLowerCase = {len(extra)};")
    print("\n}  // namespace athanor::token::class_table")


main()
