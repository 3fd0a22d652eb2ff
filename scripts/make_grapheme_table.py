#!/usr/bin/env python3
"""Writes athanor/token/split/grapheme_table.cc: how HF tokenizers 0.23.3 cuts text into grapheme clusters.

    python3 scripts/make_grapheme_table.py [UCD folder] > athanor/token/split/grapheme_table.cc
    # unicode-data 15.0.0-1, tokenizers==0.23.3, sentencepiece==0.2.3

The library follows a later Unicode than any UCD at hand, so it is asked: a Precompiled map that makes X of every
character leaves one X of a cluster of at most five bytes, and one a character of a longer one. Controls, regional
indicators and Hangul jamo are the UCD's. Hangul syllables (LV, LVT) are left out: they are told apart by arithmetic.
"""
import os
import sys
import tempfile

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import normalizers

UCD = sys.argv[1] if len(sys.argv) > 1 else "/usr/share/unicode"
KINDS = ["Other", "CR", "LF", "Control", "Extend", "ZWJ", "Regional_Indicator", "Prepend", "SpacingMark", "L", "V", "T",
         "Extended_Pictographic", "Linker", "Consonant", "ExtendOnly"]
ASKED = [c for c in range(1, 0x110000) if not 0xd800 <= c < 0xe000 and (c < 0x33000 or 0xe0000 <= c < 0xe0200)]


def rows(path, wanted):
    with open(os.path.join(UCD, path), encoding="utf-8") as file:
        for line in file:
            fields = [field.strip() for field in line.split("#")[0].split(";")]
            if len(fields) == 2 and fields[1] in wanted:
                first, _, last = fields[0].partition("..")
                for code in range(int(first, 16), int(last or first, 16) + 1):
                    yield code, KINDS.index(fields[1])


def counter():
    """text -> how many X it becomes."""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "rules.tsv"), "w", encoding="utf-8") as file:
            file.writelines(f"{code:X}\t58\n" for code in ASKED if code != 0x58)
        with open(os.path.join(folder, "text"), "w", encoding="utf-8") as file:
            file.write("hello world\nabc def\n")
        sentencepiece.SentencePieceTrainer.train(
            input=file.name, model_prefix=os.path.join(folder, "x"), vocab_size=8, hard_vocab_limit=False,
            normalization_rule_tsv=os.path.join(folder, "rules.tsv"), minloglevel=2)
        model = sentencepiece_model_pb2.ModelProto()
        with open(os.path.join(folder, "x.model"), "rb") as file:
            model.ParseFromString(file.read())
    normalizer = normalizers.Precompiled(model.normalizer_spec.precompiled_charsmap)
    return lambda text: len(normalizer.normalize_str(text))


def kinds():
    kind = {code: k for code, k in rows("auxiliary/GraphemeBreakProperty.txt", KINDS[1:12])
            if KINDS[k] not in ("Extend", "SpacingMark", "Prepend")}
    count = counter()
    for code in ASKED:
        c = chr(code)
        if code in kind:
            continue
        if count("a" + c) == 1:  # it stays with what is before
            links = count("\u0915" + c + "\u0958\u0301") == 4
            keeps_conjunct = count("\u0915\u094d" + c + "\u0958\u0301") == 5
            keeps_emoji = count("\u00a9" + c + "\u200d\u00a9\u0301") == 5
            kind[code] = KINDS.index("Linker" if links else "Extend" if keeps_conjunct else
                                     "ExtendOnly" if keeps_emoji else "SpacingMark")
        elif count(c + "a") == 1:
            kind[code] = KINDS.index("Prepend")
        elif len(c.encode()) == 3 and count("\u0915\u094d" + c + "\u0301") == 4:
            kind[code] = KINDS.index("Consonant")
        elif count(c + "\u200d\u00a9\u0301") == 4:
            kind[code] = KINDS.index("Extended_Pictographic")
    return kind


def main():
    merged = []
    for code, kind in sorted(kinds().items()):
        if merged and merged[-1][1] + 1 == code and merged[-1][2] == kind:
            merged[-1][1] = code
        else:
            merged.append([code, code, kind])
    cells = [f"{{{first}, {last}, {kind}}}" for first, last, kind in merged]
    print("// Written by scripts/make_grapheme_table.py from what HF tokenizers 0.23.3 answers and the Unicode Character")
    print("// Database 15.0.0; do not edit.")
    print('#include "athanor/token/split/grapheme.h"\n\nnamespace athanor::token::grapheme_table {\n')
    print(f"const Range kRanges[{len(cells)}] = {{")
    print("\n".join("    " + ", ".join(cells[i:i + 6]) + "," for i in range(0, len(cells), 6)) + "\n};")
    print(f"const size_t kNumRanges = {len(cells)};\n\n}}  // namespace athanor::token::grapheme_table")


main()
