"""Templates of make_chat_fixtures.py for the filters that lay out text, and for the rarer methods: some written by hand,
the others drawn with a fixed seed. `cases(count, seed)` draws more, for a comparison at the desk."""

import random

HAND = r"""
'hello world foo bar'|wordwrap(7) | 'a\n\nb c d'|wordwrap(3) | ''|wordwrap | ''|wordwrap('x') | 'x'|wordwrap('x') | 'x'|wordwrap(0) | 'x'|wordwrap(-1) | 'abcdefghij'|wordwrap(4) | 'abcdefghij kl'|wordwrap(4, false) | 'a-b-c-d well-known-fact'|wordwrap(6) | 'a-b-c-d well-known-fact'|wordwrap(6, break_on_hyphens=false) | 'well-known'|wordwrap(6, true, none, 1) | 'well-known'|wordwrap(6, true, none, 0)
'ab cdefgh'|wordwrap(3) | 'one -- two--three'|wordwrap(5) | 'one -- two--three'|wordwrap(4) | '--abc---def'|wordwrap(3) | 'a  b   c'|wordwrap(2) | '   lead'|wordwrap(4) | 'x'|wordwrap(5.5) | 'abcdefgh'|wordwrap(5.5) | 'abc'|wordwrap(true) | 'a b'|wordwrap(3, wrapstring='|') | 'a b c'|wordwrap(1, wrapstring='') | 'a b'|wordwrap(1, wrapstring=5) | 5|wordwrap | none|wordwrap | undefined_thing|wordwrap | ('<a> b'|safe)|wordwrap(2) | '<a> b'|wordwrap(2, wrapstring='<br>'|safe) | 'a b'|wordwrap(width=1) | 'a b'|wordwrap(1, true, '\n', true, 1) | 'x'|wordwrap('inf'|float) | 'x y'|wordwrap(0.5) | 'a\tb\u3000c\u00a0d'|wordwrap(2) | '你好 世界，再见。'|wordwrap(3) | zh|wordwrap(2) | text|wordwrap(4) | s|wordwrap(6) | 'a\r\nb\u2028c\x1cd'|wordwrap(5) | '1-2-3 a1-b2 _x-_y'|wordwrap(3)
1|pprint | none|pprint | 'x'|pprint | ''|pprint | xs|pprint | d|pprint | people|pprint | nested|pprint | {}|pprint | []|pprint | ()|pprint | (1,)|pprint | undefined_thing|pprint | {'b': 1, 'a': 2}|pprint | {'b': 1, 2: 3, none: 4, (1,): 5, 1.5: 6, true: 7}|pprint | {(1, 'a'): 1, ('a', 1): 2}|pprint | range(3)|pprint | d.keys()|pprint | ('<b>'|safe)|pprint | ['<b>'|safe]|pprint | (people|groupby('city'))|pprint | namespace(b=1, a=2)|pprint | text|pprint | ('word ' * 30)|pprint | ['word ' * 30]|pprint | {'k': 'word ' * 30}|pprint | {'k': ['word ' * 20, 'x' * 100]}|pprint | ('x' * 100)|pprint | ('x' * 100 + ' y')|pprint | (['a' * 30] * 4)|pprint | ('a\n' * 50)|pprint | ("it's " * 30)|pprint | ('你好 ' * 40)|pprint | ('\u3000' * 100)|pprint | (('z' * 60, 'y' * 30),)|pprint | [[[[['a' * 70, 'b' * 70]]]]]|pprint | {'x' * 40: {'y' * 40: {'z' * 40: 'w w w w'}}}|pprint | people|pprint(1) | people|pprint(verbose=true) | [xs, d, people, nested, text]|pprint | {'nan'|float: 1}|pprint | (range(60)|list)|pprint
'<b>bold</b> &amp; <i>it</i>'|striptags | 'a <!-- c --> b'|striptags | 'a <!-- <b> --> c'|striptags | '<!-->x'|striptags | '<!--->x'|striptags | '<!-- open <b>x</b>'|striptags | '<!<!-- x -->-- y -->z'|striptags | 'a < b > c'|striptags | 'a < b'|striptags | 'a > b'|striptags | '<<b>>'|striptags | '  a \n\t b  '|striptags | '\u3000a\u00a0b'|striptags | '&lt;b&gt;'|striptags | '&#65;&#x41;&#X4a;&#0;&#128;&#xD800;&#x110000;&#1;&#13;.'|striptags | '&notit; &notin; &not &amp &ampx &nosuch; &;&'|striptags | '&#; &#x; &#xg;'|striptags | '&NotEqualTilde;&fjlig;&CounterClockwiseContourIntegral;'|striptags | '&copyright &copy你好 &eacute;&eacute'|striptags | ('<b>&amp;amp;</b>'|safe)|striptags | 5|striptags | none|striptags | undefined_thing|striptags | html|striptags | ('&lt;b'|e)|striptags | ('<b>'|striptags) is escaped | '&#99999999999999999999;'|striptags | ('&#' + '9' * 4301 + ';')|striptags | ('&#x' + 'f' * 4400 + ';')|striptags | '<b'|striptags | '<a href="x>y">z'|striptags | ''|striptags
'see http://a.com and www.b.org/x?y=1'|urlize | 'https://example.com/a_(b) (http://x.com) <http://y.com>.'|urlize | 'me@x.com, mailto:a.b@c-d.org @a@b'|urlize | 'a.com b.net c.xyz d.info/x'|urlize | 'HTTP://A.COM WWW.A.B'|urlize | 'http://1.2.3.4:80/x http://1.2.3 http://[::1]/ http://[2001:db8::1]:8080'|urlize | 'http://localhost http://x http://xn--abc.xn--p1ai'|urlize | 'http://a.com:123456 http://a.com: http://a.com:1/'|urlize | 'http://很长.com/路径 你好。http://a.com'|urlize | 'http://a.com/very/long/path'|urlize(10) | 'http://a.com'|urlize(0) | 'http://a.com'|urlize(-3) | 'http://a.com'|urlize('x') | 'none'|urlize('x') | 'http://a.com'|urlize(99.5) | 'http://a.com'|urlize(5.5) | 'http://a.com'|urlize(nofollow=true) | 'http://a.com'|urlize(none, true, '_blank') | 'http://a.com'|urlize(target='"<') | 'http://a.com'|urlize(rel='z a noopener a') | 'http://a.com'|urlize(rel=5) | 'http://a.com'|urlize(target=5) | 'tel:123 ftp://x git+ssh:'|urlize(extra_schemes=['tel:', 'ftp://', 'git+ssh:']) | 'x'|urlize(extra_schemes='tel:') | 'x'|urlize(extra_schemes=['tel']) | 'x'|urlize(extra_schemes=[5]) | 'tel:1'|urlize(extra_schemes=['tel:']|map('lower')) | 5|urlize | none|urlize | undefined_thing|urlize | ('<http://a.com>'|safe)|urlize | 'a&b@c.com <a@b.com> (a@b.com)'|urlize | 'http://a.com)))... ((http://b.com/(x)))'|urlize | 'http://a.com/&gt; &lt;http://a.com&gt;'|urlize | 'x@y.z- x@-y.z x@y..z x@y.z. @y.z'|urlize | 'httpſ://a.com wwW.a.İı http://a.K'|urlize | 'a\n http://a.com\n\u3000www.a.b\u2028'|urlize | ('http://a.com'|urlize) is escaped | 'www.com www.a www. http:// https://.com http://a..b'|urlize
'ẞß ΑΣ ﬁ İI ŉ Ꭰꭰ'.casefold() | ('ẞ<'|safe).casefold() is escaped | 'A'.casefold(1) | 'ΐ ΰ ᾳ ſ K µ'.casefold() | 'Straße' .casefold() == 'STRASSE'.casefold()
'abc'.translate({97: 'x', 98: none, 99: 100}) | 'abc'.translate('abc'.maketrans('ab', 'xy')) | 'abc'.translate(''.maketrans('a', '你', 'c')) | ''.maketrans({'a': 'b', 99: 'd'}) | ''.maketrans('ab', 'c') | ''.maketrans({'ab': 1}) | ''.maketrans('a') | ''.maketrans(1, 2) | 'abc'.translate(5) | 'abc'.translate({97: 2.5}) | 'abc'.translate({97: -1}) | 'abc'.translate({97: 1114112}) | 'abc'.translate({}) | 'a\x01'.translate(['x', 'y']) | '\x00\x01\x02'.translate('你好') | '\x00'.translate(('z',)) | ''.translate({}) | 'abc'.translate() | ('a<'|safe).translate({97: 'b'}) is escaped
(html|safe)|list | (html|safe)|first is escaped | (html|safe)|last is escaped | (html|safe)|reverse is escaped | (html|safe)[1:3] is escaped | (html|safe)[::2] is escaped | (html|safe)[3] is escaped | ('<'|safe) * 2 is escaped | (html|safe)|batch(3)|list | (html|safe)|map('e')|join | (html|safe)|unique|join | (html|safe)|sort|join is escaped | (html|safe).split('q') | (html|safe).strip('<') is escaped | (html|safe).partition('q') | (html|safe).join(['<', 'b']) | ('<%s>'|safe) % '<' | ('<{}>'|safe).format('<') | (html|safe).replace('q', '<') | (html|safe)|replace('q', '<') | (html|safe).center(40) is escaped | (html|safe).splitlines() | (html|safe).encode is defined | (html|safe).zfill(40) is escaped | (html|safe).removeprefix('<') is escaped | (html|safe).expandtabs() is escaped | (html|safe).swapcase() is escaped | (html|safe).rsplit('q', 1) | (html|safe)|indent is escaped | (html|safe)|trim is escaped | (html|safe)|truncate(5, true) is escaped | (html|safe)|title is escaped | (html|safe)|wordcount | (html|safe)|center(50) is escaped | [html|safe, '<']|join | [html|safe, '<']|join('<') | xs[] | d[] | 'abc'[] | xs[1,] | d[1, 2]
{}.fromkeys('ab') | d.fromkeys([1, 2], 0) | {}.fromkeys([[1]]) | {}.fromkeys(5) | {}.fromkeys() | {}.fromkeys('aba', []) | {}.fromkeys(value=1)
xs.index(2, 1) | xs.index(3, 1) | xs.index(2, -1) | xs.index(3, 0, -1) | xs.index(3, 0, 0) | (1, 2, 1).index(1, 1) | (1, 2, 1).count(1) | xs.index(2, 'a') | xs.index() | xs.index(2, 0, 9, 9) | range(5).index(3) | range(5).count(3) | range(0, 10, 2).index(3) | range(3).count(9) | range(5).start | range(1, 9, 3).stop | range(1, 9, 3).step | range(5)['step'] | range(5).nosuch
7 .bit_length() | (-7).bit_count() | true.bit_length() | true.real | 7 .real | 7 .imag | 7 .numerator | 7 .denominator | 7 .conjugate() | 7 .as_integer_ratio() | 2.5.is_integer() | 2.0.is_integer() | 2.5.as_integer_ratio() | 0.1.as_integer_ratio() | 2.5.hex() | (-0.0).hex() | 5e-324.hex() | 0.1.hex() | 2.5.real | 2.5.imag | 2.5.conjugate() | n['real'] | n['numerator'] | f['hex']() | n.nosuch is defined | 7 .hex() | 7 .is_integer() | 7 .bit_length(1) | (n * 1e308 * 10).hex() | (n * 1e308 * 10).is_integer() | (n * 1e308 * 10).as_integer_ratio() | 1e300.as_integer_ratio() | 3.0.as_integer_ratio() | 0.0.as_integer_ratio() | n|attr('real')
""".strip("\n").split("\n")

WORDS = ["a", "I", "the", "well-known", "e-mail", "x--y", "--", "---", "-", "-b", "b-", "don't", "co-op-er-a-tive", "1-2", "1-a-b",
         "a-b", "ab-cd", "_x-_y", "supercalifragilistic", "你好", "世界，", "一-二-三", "naïve-café", "\u00a0", "\u3000", "(x)", "?--z", "&--z",
         "\x1f", "\u2003", "日本語のとても長い文章です", "x" * 30, "-" * 7, "a-" * 9, "é-ü-ö", "۱-۲", "²-x", "½", "ab-\u0301cd", "😀-😀", "q\u200bz"]
SPACES = [" ", " ", " ", "  ", "\t", " \t ", "\n", "\r\n", "\n\n", "\x0b", "\u2028", "\x85"]
TAGS = ["<b>", "</b>", "<!--", "-->", "--", "<", ">", "<!", "->", "-", "<br/>", " ", "\n", "text", "你", "&amp;", "&lt", "&gt;", "&#60;",
        "&#x3c;", "&#38;", "&", "&;", ";", "&not", "&notin;", "&nbsp;", "&zwj;", "&acE;", "&#0;", "&#129;", "&#x80;", "&#xFFFE;", "&#11;",
        "&Aacute", "&AacutE;", "#", "&#", "&#x", "x", "&hellip;", "&rarr;x", "&frac12", "&sup23;", "\u3000", "é", "&é;", "&amp;lt;"]
HOSTS = ["a.com", "example.org", "www.x.y", "http://a.b", "https://a-b.co.uk", "http://1.2.3.4", "http://[::1]", "http://[a:b::]", "localhost",
         "x@y.zz", "mailto:x@y.zz", "a_b%20.net", "http://é.fr", "你好.com", "tel:1", "ftp://z", "http://" + "a" * 64, "a." * 5 + "info", "HTTPS://Q.R",
         "xn--a.xn--bcd", "www.xn--q%", "http://a.b.c.d.e", "a@b", "a@b.c@d.ee", "http://[1:2:3:4:5:6:7:8]", "http://[1:2:3:4:5:6:7:8:9]",
         "http://[12345::]", "http://1.2.3.4444", "http://300.1.1.1"]
AROUND = ["", "", "", "(", "<", ")", ">", ".", ",", "((", "))", ").", ">,", ":80", ":", "/", "/p_(q)", "?a=b&c=d", "#f", "/x)", ":99999/", ":1234567",
          "/<x>", "\"", "'", "/路径", "&lt;", "&gt;"]


def quoted(text):
    return "'" + "".join({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r"}.get(c, c) for c in text) + "'"


def wrapped(rng):
    text = "".join(rng.choice(WORDS) + rng.choice(SPACES) for _ in range(rng.randint(1, 14)))
    if rng.random() < 0.3:
        text = rng.choice(SPACES) + text.rstrip()
    more = rng.choice(["", "", ", false", ", break_on_hyphens=false", ", false, '|', false", ", wrapstring='\\n  '"])
    return "{{ %s|wordwrap(%d%s) }}" % (quoted(text), rng.choice([1, 2, 3, 4, 5, 6, 7, 8, 10, 13, 17, 25, 40]), more)


def stripped(rng):
    return "{{ %s|striptags }}" % quoted("".join(rng.choice(TAGS) for _ in range(rng.randint(1, 16))))


def linked(rng):
    words = [rng.choice(AROUND) + rng.choice(HOSTS) + rng.choice(AROUND) + rng.choice(AROUND) for _ in range(rng.randint(1, 4))]
    more = rng.choice(["", "", "(12)", "(nofollow=true)", "(3, target='t')", "(extra_schemes=['tel:', 'ftp://'])", "(rel='b a')"])
    return "{{ %s|urlize%s }}" % (quoted(rng.choice([" ", "\n", "  ", "\u3000"]).join(words)), more)


def value(rng, depth):
    kind = rng.randint(0, 9)
    if depth == 0 or kind < 3:
        return rng.choice([str(rng.randint(-999, 99999)), "2.5", "none", "true", quoted(" ".join(rng.choice(WORDS) for _ in range(rng.randint(0, 18)))),
                           quoted(rng.choice(WORDS)), quoted("x" * rng.randint(50, 90)), quoted("it's \"q\" \\ " * rng.randint(1, 9)),
                           quoted("line\n" * rng.randint(1, 20)), quoted("你好，世界 " * rng.randint(1, 20)), quoted("a\u200b\u3000" * rng.randint(1, 12))])
    items = [value(rng, depth - 1) for _ in range(rng.randint(0, 5))]
    if kind < 6:
        return "[" + ", ".join(items) + "]"
    if kind < 8:
        return "(" + "".join(i + ", " for i in items) + ")"
    keys = rng.choice([["'k%d'" % rng.randint(0, 99), "'%s'" % ("k" * rng.randint(1, 30)), "'你%d'" % rng.randint(0, 9)], ["1", "2.5", "none"],
                       ["(1, 2)", "(1,)", "'s'"], ["true", "'t'", "-1"]])
    return "{" + ", ".join("%s: %s" % (rng.choice(keys), i) for i in items) + "}"


def printed(rng):
    return "{{ (%s)|pprint }}" % value(rng, rng.randint(1, 5))


def folded(rng):
    codes = [rng.choice([rng.randint(0x20, 0x24F), rng.randint(0x370, 0x5FF), rng.randint(0x1E00, 0x1FFF), rng.randint(0xA640, 0xABFF),
                         rng.randint(0xFB00, 0xFB1F), rng.randint(0x10400, 0x104FF), rng.randint(0x13A0, 0x1CFF)]) for _ in range(12)]
    return "{{ %s.casefold() }}" % quoted("".join(map(chr, codes)))


MARKED = ["html|safe", "'<a> b&amp; c'|e", "'x<y'|safe", "html", "zh|safe", "'a,b,<c'|safe", "text|e", "''|safe", "'%s|%r|%d'|safe", "'{}<{!r}>{:>5}'|safe"]
STEPS = ["|upper", "|lower", "|title", "|capitalize", "|trim", "|reverse", "|replace('a', '<')", "|indent", "|indent('<')", "|truncate(4, true)",
         "|truncate(9, false, '<')", "|center(20)", "|string", "|e", "|safe", "|forceescape", "|striptags", "|urlize", "|wordwrap(3)", "|pprint",
         "|list", "|first", "|last", "|join('<')", "|length", "|tojson", "|urlencode", "[1:]", "[::-1]", "[0]", " * 2", " + '<'", ".upper()",
         ".split(',')", ".rsplit(none, 1)", ".strip('<')", ".replace('b', '<')", ".join(['<', 'b'])", ".format(1, '<', '>')", ".casefold()",
         ".center(9)", ".center(9, '<')", ".zfill(12)", ".splitlines()", ".partition('b')", ".expandtabs(2)", ".translate({97: '<'})", ".title()",
         ".format_map({'a': 1})", "|format('<', '>', 3)", "|string|list", "|select|list", "|batch(2)|list", "|map('e')|list", "|default('<')",
         "|wordcount", "|sort", "|unique|list", "|max", "|slice(2)|list", "|groupby(0)", "|float", "|int", "|round"]


def marked(rng):
    expression = "(" + rng.choice(MARKED) + ")"
    for _ in range(rng.randint(1, 4)):
        expression = "(" + expression + rng.choice(STEPS) + ")"
    return "{{ [" + expression + "] }}"


def cases(count, seed):
    rng = random.Random(seed)
    for _ in range(count):
        yield rng.choice([wrapped, stripped, linked, printed, printed, folded, marked])(rng)
