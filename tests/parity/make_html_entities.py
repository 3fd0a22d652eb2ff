"""Writes athanor/token/chat/html_entities.cc from this Python's html.entities.html5 (made with Python 3.11)."""

import html
import html.entities
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def wrapped(items):
    line, out = "   ", []
    for item in items:
        if len(line) + len(item) + 2 > 118:
            out.append(line)
            line = "   "
        line += " " + item + ","
    return "\n".join(out + [line])


def main():
    def entity(name):
        codes = [ord(c) for c in html.entities.html5[name]]
        return '{"%s", {0x%X, 0x%X}}' % (name, codes[0], codes[1] if len(codes) > 1 else 0)

    names = sorted(html.entities.html5)
    windows = [ord(html._invalid_charrefs[c]) for c in range(0x80, 0xA0)]
    version = "%d.%d" % sys.version_info[:2]
    (ROOT / "athanor/token/chat/html_entities.cc").write_text(
        f"// Made by tests/parity/make_html_entities.py with Python {version}. Do not edit.\n"
        '#include "athanor/token/chat/html_entities.h"\n\nnamespace athanor::chat {\n\n'
        f"const HtmlEntity kHtmlEntities[] = {{\n{wrapped(entity(n) for n in names)}\n}};\n"
        f"const size_t kNumHtmlEntities = {len(names)};\n\n"
        f"const char32_t kHtmlWindows[32] = {{\n{wrapped('0x%X' % c for c in windows)}\n}};\n\n"
        "}  // namespace athanor::chat\n"
    )
    assert set(html._invalid_charrefs) == {0, 13, *range(0x80, 0xA0)}
    print(len(names), "entities")


main()
