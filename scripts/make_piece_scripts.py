#!/usr/bin/env python3
"""Writes athanor/token/train/piece_scripts.h: the Unicode script of every code point, as ranges.

    python3 scripts/make_piece_scripts.py        # needs: pip install regex (its tables are those of Unicode 16 or 17)

Scripts are numbered by name; Common is 0 and not listed, Inherited 1, and Han, Hiragana and Katakana are one (2), as
SentencePiece has it. A code point without a script is Common.
"""
import os

import regex

OUT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "athanor/token/train/piece_scripts.h")
HEAD = """// The Unicode script of every code point; written by scripts/make_piece_scripts.py, do not edit.
// {first, last, script}: 0 is Common (not listed), 1 Inherited, 2 Han with Hiragana and Katakana.
#pragma once

#include <cstdint>

namespace athanor::token {

struct PieceScript {
  uint32_t first, last;
  uint8_t script;
};

inline constexpr PieceScript kPieceScripts[] = {
"""
NAMES = """Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali Bhaiksuki
Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee Chorasmian
Coptic Cuneiform Cypriot Cypro_Minoan Cyrillic Deseret Devanagari Dives_Akuru Dogra Duployan Egyptian_Hieroglyphs Elbasan
Elymaic Ethiopic Georgian Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi Gurmukhi Hangul Hanifi_Rohingya Hanunoo
Hatran Hebrew Imperial_Aramaic Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Kawi Kayah_Li
Kharoshthi Khitan_Small_Script Khmer Khojki Khudawadi Lao Latin Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani
Makasar Malayalam Mandaic Manichaean Marchen Masaram_Gondi Medefaidrin Meetei_Mayek Mende_Kikakui Meroitic_Cursive
Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar Nabataean Nag_Mundari Nandinagari New_Tai_Lue Newa Nko Nushu
Nyiakeng_Puachue_Hmong Ogham Ol_Chiki Old_Hungarian Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_Sogdian
Old_South_Arabian Old_Turkic Old_Uyghur Oriya Osage Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician
Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian Siddham SignWriting Sinhala Sogdian Sora_Sompeng Soyombo
Sundanese Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet Takri Tamil Tangsa Tangut Telugu Thaana Thai
Tibetan Tifinagh Tirhuta Toto Ugaritic Vai Vithkuqi Wancho Warang_Citi Yezidi Yi Zanabazar_Square""".split()


def main():
    every = "".join(chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000)
    of = {}
    groups = [(1, ["Inherited"]), (2, ["Han", "Hiragana", "Katakana"])] + [(i + 3, [n]) for i, n in enumerate(NAMES)]
    for number, names in groups:
        for name in names:
            for c in regex.findall(r"\p{Script=" + name + "}", every):
                of[ord(c)] = number
    of[0x30FC] = 2  # the long vowel sign
    ranges = []
    for code in sorted(of):
        if ranges and ranges[-1][1] == code - 1 and ranges[-1][2] == of[code]:
            ranges[-1][1] = code
        else:
            ranges.append([code, code, of[code]])
    cells = [f"{{0x{a:X}, 0x{b:X}, {s}}}" for a, b, s in ranges]
    lines, line = [], ""
    for cell in cells:
        if len(line) + len(cell) + 2 > 108:
            lines.append("    " + line.rstrip())
            line = ""
        line += cell + ", "
    lines.append("    " + line.rstrip())
    with open(OUT, "w", encoding="utf-8") as file:
        file.write(HEAD + "\n".join(lines) + "\n};\n\n}  // namespace athanor::token\n")
    print(len(ranges), "ranges")


main()
