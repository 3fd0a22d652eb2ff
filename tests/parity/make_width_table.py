#!/usr/bin/env python3
"""Writes athanor/base/format_width_table.h from Python's unicodedata (its Unicode version is recorded there).

Zero columns: categories Mn, Me, Cf (but the soft hyphen) and the Hangul medial and final jamo.
Two columns: East Asian Width W or F. Unassigned code points between two of one class join the range.
Usage: python3 tests/parity/make_width_table.py > athanor/base/format_width_table.h
"""
import unicodedata


def kind(cp):
    ch = chr(cp)
    category = unicodedata.category(ch)
    if cp != 0xAD and (category in ("Mn", "Me", "Cf") or 0x1160 <= cp <= 0x11FF):
        return 0
    if unicodedata.east_asian_width(ch) in "WF":
        return 2
    return None if category == "Cn" else 1


def ranges(wanted):
    out, open_range = [], False
    for cp in range(0x80, 0x110000):
        value = kind(cp)
        if value == wanted:
            if out and open_range:
                out[-1][1] = cp
            else:
                out.append([cp, cp])
            open_range = True
        elif value is not None:
            open_range = False
    return out


def emit(name, table):
    print(f"inline constexpr CodePointRange {name}[] = {{")
    line = "   "
    for first, last in table:
        item = f" {{0x{first:x}, 0x{last:x}}},"
        if len(line) + len(item) > 100:
            print(line)
            line = "   "
        line += item
    print(line)
    print("};")


print(f"// Made by tests/parity/make_width_table.py from Unicode {unicodedata.unidata_version}. Do not edit.")
print("#pragma once\n\nnamespace athanor {\n")
print("struct CodePointRange {\n  char32_t first;\n  char32_t last;\n};\n")
emit("kZeroWidth", ranges(0))
print()
emit("kDoubleWidth", ranges(2))
print("\n}  // namespace athanor")
