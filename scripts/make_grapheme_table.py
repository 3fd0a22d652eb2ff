#!/usr/bin/env python3
"""Writes athanor/token/split/grapheme_table.cc: Grapheme_Cluster_Break and Extended_Pictographic.

    python3 scripts/make_grapheme_table.py [UCD folder] > athanor/token/split/grapheme_table.cc  # unicode-data 15.0.0-1

Hangul syllables (LV, LVT) are left out: they are told apart by arithmetic.
"""
import os
import sys

UCD = sys.argv[1] if len(sys.argv) > 1 else "/usr/share/unicode"
KINDS = ["Other", "CR", "LF", "Control", "Extend", "ZWJ", "Regional_Indicator", "Prepend", "SpacingMark", "L", "V", "T",
         "Extended_Pictographic"]


def rows(path, wanted):
    with open(os.path.join(UCD, path), encoding="utf-8") as file:
        for line in file:
            fields = [field.strip() for field in line.split("#")[0].split(";")]
            if len(fields) == 2 and fields[1] in wanted:
                first, _, last = fields[0].partition("..")
                yield int(first, 16), int(last or first, 16), KINDS.index(fields[1])


def main():
    found = sorted(list(rows("auxiliary/GraphemeBreakProperty.txt", KINDS[1:12]))
                   + list(rows("emoji/emoji-data.txt", KINDS[12:])))
    merged = []
    for first, last, kind in found:
        if merged and merged[-1][1] + 1 == first and merged[-1][2] == kind:
            merged[-1][1] = last
        else:
            merged.append([first, last, kind])
    cells = [f"{{{first}, {last}, {kind}}}" for first, last, kind in merged]
    print("// Written by scripts/make_grapheme_table.py from the Unicode Character Database 15.0.0; do not edit.")
    print('#include "athanor/token/split/grapheme.h"\n\nnamespace athanor::token::grapheme_table {\n')
    print(f"const Range kRanges[{len(cells)}] = {{")
    print("\n".join("    " + ", ".join(cells[i:i + 6]) + "," for i in range(0, len(cells), 6)) + "\n};")
    print(f"const size_t kNumRanges = {len(cells)};\n\n}}  // namespace athanor::token::grapheme_table")


main()
