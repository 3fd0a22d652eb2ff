#!/usr/bin/env python3
"""Writes athanor/base/unicode_tables.cc from the Unicode Character Database (Debian: unicode-data 15.0.0-1).

    python3 scripts/make_unicode_tables.py [UCD folder, default /usr/share/unicode] > athanor/base/unicode_tables.cc
"""
import os
import re
import sys

UCD = sys.argv[1] if len(sys.argv) > 1 else "/usr/share/unicode"
VERSION = "15.0.0"  # must equal kUnicodeVersion in athanor/base/unicode.h
SIZE = 0x110000
BLOCK = 128
CATEGORIES = ("Cn Cc Cf Co Cs Ll Lm Lo Lt Lu Mc Me Mn Nd Nl No Pc Pd Pe Pf Pi Po Ps Sc Sk Sm So Zl Zp Zs").split()


def lines_of(name):
    with open(os.path.join(UCD, name), encoding="utf-8") as file:
        for line in file:
            line = line.split("#")[0].strip()
            if line:
                yield [field.strip() for field in line.split(";")]


def span_of(text):
    first, _, last = text.partition("..")
    return range(int(first, 16), int(last or first, 16) + 1)


def check_version():
    with open(os.path.join(UCD, "PropList.txt"), encoding="utf-8") as file:
        if f"PropList-{VERSION}.txt" not in file.readline():
            sys.exit(f"{UCD} is not Unicode {VERSION}")


def read_unicode_data():
    category, ccc, decomposition = [0] * SIZE, [0] * SIZE, {}
    first = None
    for fields in lines_of("UnicodeData.txt"):
        code = int(fields[0], 16)
        if fields[1].endswith(", First>"):
            first = code
            continue
        for each in range(first if first is not None else code, code + 1):
            category[each] = CATEGORIES.index(fields[2])
            ccc[each] = int(fields[3])
        first = None
        if fields[5]:
            tag = re.match(r"<\w+> ", fields[5])
            codes = [int(x, 16) for x in fields[5][tag.end() if tag else 0:].split()]
            decomposition[code] = (bool(tag), codes)
    return category, ccc, decomposition


def flags_of():
    flags = [0] * SIZE
    for fields in lines_of("PropList.txt"):
        if fields[1] == "White_Space":
            for code in span_of(fields[0]):
                flags[code] |= 1
    for fields in lines_of("Scripts.txt"):
        if fields[1] == "Han":
            for code in span_of(fields[0]):
                flags[code] |= 2
    return flags


def quick_checks():
    """Two bits a form: 0 yes, 1 maybe, 2 no; NFC, NFKC, NFD, NFKD from the low end."""
    quick = [0] * SIZE
    excluded = set()
    shift = {"NFC_QC": 0, "NFKC_QC": 2, "NFD_QC": 4, "NFKD_QC": 6}
    for fields in lines_of("DerivedNormalizationProps.txt"):
        if fields[1] in shift:
            value = {"M": 1, "N": 2}[fields[2]]
            for code in span_of(fields[0]):
                quick[code] |= value << shift[fields[1]]
        elif fields[1] == "Full_Composition_Exclusion":
            excluded.update(span_of(fields[0]))
    return quick, excluded


def full(code, decomposition, compatibility):
    if code not in decomposition or (decomposition[code][0] and not compatibility):
        return [code]
    return [y for x in decomposition[code][1] for y in full(x, decomposition, compatibility)]


def array(kind, name, values, form="{}"):
    print(f"const {kind} {name}[{len(values)}] = {{")
    line = "   "
    for value in values:
        item = " " + form.format(value) + ","
        if len(line) + len(item) > 108:
            print(line)
            line = "   "
        line += item
    print(line + "\n};")


def main():
    check_version()
    category, ccc, decomposition = read_unicode_data()
    flags = flags_of()
    quick, excluded = quick_checks()

    records, stage2_of, stage1, blocks = {}, [], [], {}
    for code in range(SIZE):
        record = (category[code], ccc[code], flags[code], quick[code])
        stage2_of.append(records.setdefault(record, len(records)))
    assert len(records) <= 256, len(records)
    stage2 = []
    for start in range(0, SIZE, BLOCK):
        block = tuple(stage2_of[start:start + BLOCK])
        if block not in blocks:
            blocks[block] = len(blocks)
            stage2.extend(block)
        stage1.append(blocks[block])
    assert len(blocks) <= 65536

    pool, entries = [], []
    for code in sorted(decomposition):
        canonical, compatible = full(code, decomposition, False), full(code, decomposition, True)
        packed = []
        for codes in (canonical, compatible):
            packed.append((len(pool), len(codes)))
            if packed[0] != packed[-1] and codes == canonical:
                packed[-1] = packed[0]
                continue
            pool.extend(codes)
        if canonical == [code]:
            packed[0] = (0, 0)  # no canonical decomposition
        entries.append((code, packed[0][0], packed[1][0], packed[0][1], packed[1][1]))
    pairs = sorted((codes[0], codes[1], code) for code, (compat, codes) in decomposition.items()
                   if not compat and len(codes) == 2 and code not in excluded)

    print("// Written by scripts/make_unicode_tables.py from the Unicode Character Database " + VERSION + "; do not edit.")
    print("// Data: Copyright (c) 1991-2022 Unicode, Inc., Unicode License Agreement (Unicode-DFS-2016).")
    print('#include "athanor/base/unicode_tables.h"\n\n#include "athanor/base/unicode.h"\n')
    print("namespace athanor {\n")
    print(f'static_assert(std::string_view(kUnicodeVersion) == "{VERSION}");\n')
    print("namespace unicode_tables {\n")
    array("Record", "kRecords", ["{%d, %d, %d, %d}" % r for r in records])
    array("uint16_t", "kStage1", stage1)
    array("uint8_t", "kStage2", stage2)
    array("Decomposition", "kDecompositions", ["{%#x, %d, %d, %d, %d}" % e for e in entries])
    print(f"const size_t kNumDecompositions = {len(entries)};")
    array("uint32_t", "kPool", pool, "{:#x}")
    array("Composition", "kCompositions", ["{%#x, %#x, %#x}" % p for p in pairs])
    print(f"const size_t kNumCompositions = {len(pairs)};")
    print("\n}  // namespace unicode_tables\n}  // namespace athanor")
    print(f"{len(records)} records, {len(blocks)} blocks, pool {len(pool)}", file=sys.stderr)


main()
