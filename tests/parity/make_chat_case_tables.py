"""Writes athanor/token/chat/case_tables.cc from this Python's own str methods (made with Python 3.11, Unicode 14)."""

import pathlib
import sys
import unicodedata

ROOT = pathlib.Path(__file__).resolve().parents[2]
CODES = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def runs(mapping):
    out = []
    for code, to in sorted(mapping.items()):
        delta = to - code
        if out:
            first, last, stride, d = out[-1]
            gap = code - last
            if d == delta and (stride == gap or (stride == 0 and gap <= 2)):
                out[-1] = (first, code, gap, d)
                continue
        out.append((code, code, 0, delta))
    return [(f, l, s or 1, d) for f, l, s, d in out]


def ranges(codes):
    out = []
    for code in codes:
        if out and out[-1][1] == code - 1:
            out[-1][1] = code
        else:
            out.append([code, code])
    return out


def lines(items, text):
    line, out = "   ", []
    for item in items:
        piece = " " + text(item) + ","
        if len(line) + len(piece) > 118:
            out.append(line)
            line = "   "
        line += piece
    return "\n".join(out + [line])


def table(kind, name, items, text):
    return f"const {kind} k{name}[] = {{\n{lines(items, text)}\n}};\nconst size_t kNum{name} = {len(items)};\n"


def main():
    simple = {"upper": {}, "lower": {}, "fold": {}}
    special = {"upper": [], "lower": [], "title": [], "fold": []}
    for code in CODES:
        char = chr(code)
        for name in ("upper", "lower"):
            to = getattr(char, name)()
            if len(to) > 1:
                special[name].append((code, to))
            elif to != char:
                simple[name][code] = ord(to)
        folded = char.casefold()
        if len(folded) > 1:
            special["fold"].append((code, folded))
        elif folded != char.lower():  # the others are those of lower()
            simple["fold"][code] = ord(folded)
        if char.title() != char.upper():
            special["title"].append((code, char.title()))
    category = unicodedata.category
    number = lambda c: c[0] == "N"
    classes = {
        "OtherDigit": [c for c in CODES if chr(c).isdigit() and category(chr(c)) != "Nd"],
        "OtherNumeric": [c for c in CODES if chr(c).isnumeric() and not number(category(chr(c)))],
        "OtherLower": [c for c in CODES if chr(c).islower() and category(chr(c)) != "Ll"],
        "OtherUpper": [c for c in CODES if chr(c).isupper() and category(chr(c)) != "Lu"],
    }
    run = lambda r: "{0x%X, 0x%X, %d, %d}" % r
    pair = lambda r: "{0x%X, 0x%X}" % tuple(r)
    case = lambda s: "{0x%X, {%s}}" % (s[0], ", ".join("0x%X" % ord(c) for c in s[1]))
    parts = [table("CaseRun", n.title() + "Runs", runs(simple[n]), run) for n in simple]
    parts += [table("SpecialCase", n.title() + "Special", special[n], case) for n in special]
    parts += [table("CodeRange", n, ranges(c), pair) for n, c in classes.items()]
    out = ROOT / "athanor/token/chat/case_tables.cc"
    version = f"{sys.version_info[0]}.{sys.version_info[1]}, Unicode {unicodedata.unidata_version}"
    out.write_text(
        f"// Made by tests/parity/make_chat_case_tables.py with Python {version}. Do not edit.\n"
        '#include "athanor/token/chat/case_tables.h"\n\nnamespace athanor::chat {\n\n'
        + "\n".join(parts)
        + "\n}  // namespace athanor::chat\n"
    )


main()
