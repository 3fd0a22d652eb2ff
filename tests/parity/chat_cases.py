"""Inputs of make_chat_fixtures.py: templates over the whole language, and conversations."""

import chat_text_cases

XS = {"xs": [3, 1, 2], "ys": ["b", "A", "c"], "empty": [], "s": "  Hello, World! ", "zh": "你好，世界", "n": 7, "f": 2.5,
      "neg": -3, "t": True, "none": None, "d": {"b": 1, "a": [1, "x", None], "c": {"k": "v"}},
      "people": [{"name": "Ann", "age": 30, "city": "Oslo"}, {"name": "bob", "age": 25, "city": "Rome"},
                 {"name": "Cid", "age": 25, "city": "Oslo", "x": {"y": [1, 2]}}],
      "text": "one two\nthree  four\r\nfive\n", "html": "<a href='x'>&\"q\"</a>", "nested": [[1, [2, [3]]], [4]]}

EXPRESSIONS = r"""
1+2*3 | (1+2)*3 | 7//2 | -7//2 | 7%3 | -7%3 | 7%-3 | 7.5//2 | -7.5%2 | 2**10 | 2**-1 | 2**0.5 | -2**2 | 10/4 | 10/5 | 1/3
1e16 | 1e15 | 123456789012345678.0 | 0.1+0.2 | 1e-5 | 0.0001 | 1e300*1e10 | -0.0 | 100.0 | 1.5e-7 | 5e-324 | 1_000 | 0x1F | 0b101 | 0o17
true | false | none | None | True | not true | not 0 | 1 and 2 | 0 or 'x' | '' and 1 | none or 5 | 1 and 0 or 3 | not 1 == 2
1 == 1.0 | true == 1 | '1' == 1 | [1,2] == [1,2] | [1] == (1,) | {'a':1} == {'a':1.0} | none == false | 'a' < 'b' | [1,2] < [1,3] | 1 < 2 < 3 | 1 < 3 < 2 | 3 > 2 >= 2 != 1
1 in [1,2] | 'a' in 'cat' | 'x' not in 'cat' | 'a' in d | 'z' in d | 1 in xs | 5 not in xs | '' in '' | 1.0 in xs | none in [none] | 'b' in d.keys() | (1,2) in [(1,2)]
'a' ~ 1 ~ none ~ 2.0 ~ true | 'a' * 3 | 3 * 'ab' | 'a' + 'b' | [1] + [2] | (1,) + (2,) | [0] * 3 | 'a' 'b' "c" | -n | +n | --n
[1, 'a', none, true, 2.5, [], {}, ()] | (1,) | () | (1,2) | {'a': 1, 'b': [2]} | {1: 2, 'x': 'y', none: 0, 1.0: 3} | [1,2,] | {'a':1,} | ['it\'s', "q\"", 'both\'"', 'new\nline', 'tab\t', 'back\\', '\x00\x7f', '你好', '\u200b', '😀']
xs[0] | xs[-1] | xs[1:] | xs[:2] | xs[::-1] | xs[::2] | xs[5:] | xs[-2:] | xs[10] | s[2] | s[-3:] | zh[1] | zh[::-1] | zh[1:3] | zh[-1] | s[::3] | (1,2,3)[1:] | range(10)[2:8:2]|list | range(5)[-1] | xs[true] | xs['a'] | d['b'] | d['zz'] | d.b | d.zz | d.a[0] | d.c.k | d['c']['k'] | none.x | n.x | xs.0 | people.1.name | d.items | (d.items)()|list
d.items()|list | d.keys()|list | d.values()|list | d.items() | d.keys() | d.values() | d.get('b') | d.get('q') | d.get('q', 5) | d.get('q', default=5) | d.copy() | d.pop('b') | d.update({}) | xs.append(4) | xs.pop() | xs.index(1) | xs.count(3) | xs.index(99) | (1,2).index(2) | d.__class__ | d['__class__'] | ''.__class__ | ''.__class__.__mro__ | xs.__len__() | d._x | s._y | s.foo | s.foo.bar
undefined_thing | undefined_thing.x | undefined_thing['x'] | undefined_thing() | undefined_thing + 1 | undefined_thing ~ 'a' | undefined_thing == none | undefined_thing == other_undefined | undefined_thing is defined | undefined_thing|default('d') | undefined_thing|length | undefined_thing|list | not undefined_thing | undefined_thing|upper | undefined_thing < 1 | -undefined_thing | undefined_thing|int | undefined_thing in xs | 1 in undefined_thing | undefined_thing|join(',') | undefined_thing|tojson | undefined_thing is iterable | undefined_thing is sequence | undefined_thing is callable | [undefined_thing] | undefined_thing|items|list | undefined_thing|first | undefined_thing|sort
1 if true | 1 if false | 1 if false else 2 | 1 if n == 7 else 2 if n == 8 else 3 | (1 if false) is defined | 'a' if none else 'b'
s.strip() | s.lstrip() | s.rstrip() | s.strip(' !') | 'xxaxx'.strip('x') | 'xyaxy'.lstrip('yx') | 'abc'.rstrip('cb') | '\u3000a\u00a0'.strip() | '你好你'.strip('你')
s.split() | 'a,b,,c'.split(',') | 'a,b,c'.split(',', 1) | 'a b  c '.split(' ') | 'a b c d'.split(none, 2) | 'a b c'.rsplit(' ', 1) | ' a b  c '.rsplit(none, 1) | ' a  b '.split() | ''.split() | ''.split(',') | 'a'.split('') | 'aXXbXXc'.rsplit('XX') | 'a-b'.split(sep='-') | 'a-b-c'.split('-', maxsplit=1) | '你，好'.split('，')
text.splitlines() | text.splitlines(true) | 'a\rb\r\nc\x0bd\x1ce\x85f\u2028g'.splitlines() | ''.splitlines() | '\n'.splitlines()
'abc'.startswith('ab') | 'abc'.endswith(('x','c')) | 'abc'.startswith(('b','c')) | 'abc'.startswith('b', 1) | 'abc'.endswith('b', 0, 2) | 'abc'.startswith('') | 'abc'.startswith(1) | 'abc'.endswith(['c'])
'aBc'.upper() | 'ABC'.lower() | 'hello world-foo'.title() | "it's a dog's".title() | 'hELLO'.capitalize() | 'aBc'.swapcase() | 'straße'.upper() | 'ΑΣ'.lower() | 'ΑΣΑ Σ'.lower() | 'ŉ'.upper() | 'ǆ'.title() | 'ǆ'.capitalize() | 'İ'.lower() | 'ﬁx'.upper() | 'ﬁx'.title() | 'éÉ'.swapcase()
'abcabc'.replace('b','X') | 'abcabc'.replace('b','X',1) | 'abc'.replace('','-') | '你好'.replace('','-') | 'aaa'.replace('aa','b') | ''.replace('','x') | 'abc'.replace('x','y') | 'abc'.replace('abc','') | 'abc'.replace('','-',2) | 'abc'.replace(1,2)
'abcabc'.find('c') | 'abcabc'.rfind('c') | 'abc'.find('x') | 'abc'.index('c') | 'abc'.index('x') | 'abc'.rindex('a') | '你好你'.find('好') | '你好你'.rfind('你') | 'abcabc'.find('c', 3) | 'abcabc'.find('a', 1, 3) | 'abc'.find('', 2) | 'abc'.find('', 9) | 'abcabc'.count('bc') | 'aaaa'.count('aa') | 'abc'.count('') | '你你'.count('你', 1)
','.join(['a','b']) | ','.join([1]) | ','.join('abc') | ''.join([]) | '-'.join(d) | 'a'.join(xs)
'abc'.isalpha() | 'ab1'.isalnum() | '12'.isdigit() | '²'.isdigit() | '²'.isdecimal() | '½'.isnumeric() | '一'.isnumeric() | ' '.isspace() | ''.isspace() | 'aB'.islower() | 'ab1'.islower() | 'AB'.isupper() | '1'.isupper() | 'Ab Cd'.istitle() | 'AbC'.istitle() | 'abc'.isascii() | 'é'.isascii() | 'a_1'.isidentifier() | '1a'.isidentifier() | 'a\n'.isprintable() | '你好'.isalpha() | 'ª'.islower()
'abc'.center(7) | 'abc'.center(8,'*') | 'abc'.ljust(5) ~ '|' | 'abc'.rjust(5,'.') | '-5'.zfill(4) | '5'.zfill(3) | 'abc'.zfill(2) | 'a\tb'.expandtabs() | 'a\tb'.expandtabs(4) | 'abc'.partition('b') | 'abc'.partition('x') | 'abcb'.rpartition('b') | 'abc'.rpartition('x') | 'abc'.removeprefix('a') | 'abc'.removesuffix('c') | 'abc'.removeprefix('x')
'%s is %d' % ('a', 3) | '%s' % 'x' | '%s' % none | '%r' % 'x' | '%5.2f|' % 3.14159 | '%-5s|' % 'a' | '%05d' % 42 | '%+d' % 3 | '%x %X %o' % (255,255,8) | '%%' % () | '%e' % 12345.678 | '%g' % 0.00001 | '%(a)s' % {'a': 1} | '%s' % (1,2) | '%s %s' % 1 | '%d' % 'a' | '%c' % 'a' | '%.3s' % 'abcdef' | '%i' % 3.9 | '%#x' % 255 | '% d' % 5 | '%s' % [1,2] | '%s' % xs | 'a' % 1 | '%.2f' % 2
'{} {}'.format(1, 'a') | '{0}{1}{0}'.format('a','b') | '{x}'.format(x=1) | '{:>5}|'.format('a') | '{:<5}|'.format(3) | '{:^5}|'.format('a') | '{:05.1f}'.format(3.14159) | '{:,}'.format(1234567) | '{!r}'.format('a') | '{{}}'.format() | '{a[b]}'.format(a=d) | '{0.x}'.format(1) | '{:x}'.format(255) | '{:.2%}'.format(0.256) | '{:+}'.format(3) | '{:*^7}'.format('ab') | '{:{w}}|'.format('a', w=4) | '{}'.format() | '{' .format() | '{:d}'.format('a') | '{:.3}'.format('abcdef') | '{:e}'.format(1234.5) | '{}'.format(none) | '{:>8,.2f}'.format(1234.567) | '{:10}|'.format(true) | '{a.__class__}'.format(a=1)
-5|abs | 2.5|abs | 'a'|abs | true|abs | [1,2,3,4,5]|batch(2)|list | [1,2,3]|batch(2,'x')|list | 'hello WORLD'|capitalize | 'abc'|center(9) ~ '|' | none|default('x') | ''|default('x') | ''|default('x', true) | 0|d(5, boolean=true) | d|dictsort | {'b':1,'A':2,'c':0}|dictsort | {'b':1,'A':2}|dictsort(true) | {'b':1,'A':2,'c':0}|dictsort(by='value') | {'b':1,'A':2}|dictsort(reverse=true) | xs|dictsort
html|e | html|escape | html|forceescape | html|safe | html|safe|e | html|e ~ '<' | (html|safe) + '<b>' | '<b>' + (html|safe) | ('<'|e) + '<' | ('<'|safe)|upper | ('<'|safe)|string | 5|e | none|e
xs|first | empty|first | 'abc'|first | d|first | xs|last | empty|last | 'abc'|last | zh|last | d|last | range(3)|last | (xs|map('string'))|last | '3.5'|float | 'x'|float | 'x'|float(1.5) | 3|float | '1e3'|float | ' 2 '|float | 'inf'|float | 'nan'|float | none|float | '%s-%s'|format(1,2) | '%(a)s'|format(a=3) | '%s'|format(1, a=2)
people|groupby('city')|list | people|groupby('age') | people|groupby('city')|map('first')|list | people|groupby('zip', default='none')|map(attribute='grouper')|list | people|groupby('name')|map(attribute='list')|map('length')|list | people|groupby('zip')
text|indent | text|indent(2) | text|indent(2, true) | text|indent(2, blank=true) | text|indent('> ') | ''|indent | 'a'|indent(first=true) | 'a\n\nb'|indent | 5|indent | 'a\n'|indent
'42'|int | '42.7'|int | 'x'|int | 'x'|int(9) | '0x1F'|int(base=16) | '1f'|int(0,16) | 3.9|int | -3.9|int | true|int | none|int | '1_000'|int | ' 12 '|int | [1]|int | '1e3'|int | ''|int | '0b11'|int(0,2) | '10'|int(base=8) | 'nan'|int
d|items|list | xs|items | xs|join | xs|join(',') | people|join(', ', attribute='name') | d|join('-') | 'abc'|join('.') | [1,none,true,'a']|join('|') | 5|join | nested|join(',') | people|join(',', 'x.y')
xs|length | d|length | s|length | zh|length | 5|length | none|length | xs|count | (xs|map('string'))|length | 'abc'|list | d|list | (1,2)|list | range(3)|list | 5|list | 'ABC'|lower | 5|lower | none|upper
xs|map('string')|list | ys|map('upper')|join | people|map(attribute='name')|list | people|map(attribute='zip')|list | people|map(attribute='zip', default='?')|list | people|map(attribute='x.y.1', default=0)|list | xs|map('nofilter')|list | xs|map|list | xs|map('replace','1','z')|list | ['a b','c']|map('replace',' ','_')|list | xs|map('default', 1) | ''|map('upper')|list | nested|map('first')|list | nested|map(attribute=0)|list | xs|map(attribute='a', foo=1)|list
xs|max | xs|min | ys|max | ys|min | ys|min(true) | empty|max | people|max(attribute='age') | people|min(attribute='age') | [1,'a']|max | people|map(attribute='age')|max
xs|reject('odd')|list | xs|select('odd')|list | xs|select|list | [0,1,none,'']|select|list | [0,1]|reject|list | xs|select('gt', 1)|list | xs|select('>=', 2)|list | xs|reject('equalto', 1)|list | people|selectattr('age','equalto',25)|map(attribute='name')|list | people|rejectattr('city','eq','Oslo')|list | people|selectattr('x')|list | people|selectattr('x.y')|list | people|selectattr('x','defined')|list | people|rejectattr('x')|map(attribute='name')|list | xs|select('nosuch')|list | people|selectattr|list | xs|select('in', [1,2])|list | xs|select('divisibleby', 3)|list
'abcabc'|replace('b','X') | 'abcabc'|replace('b','X',1) | 'aab'|replace('a','') | 5|replace('5','6') | 'abc'|replace('b', 5) | xs|reverse|list | 'abc'|reverse | zh|reverse | d|reverse|list | (1,2)|reverse|list | 5|reverse | range(3)|reverse|list
2.5|round | 3.5|round | 2.567|round(2) | 2.5|round(0,'ceil') | 2.4|round(method='floor') | 2.55|round(1) | 5|round | 1234|round(-2) | 2.5|round(method='x') | 'a'|round | -2.5|round | 2.25|round(1) | 1e20|round | 15|round(-1) | 2.345|round(2,'floor') | 2.341|round(2,'ceil')
[1,2,3,4,5,6,7]|slice(3)|list | [1,2,3,4]|slice(3,'x')|list | xs|slice(0)|list | xs|sort | ys|sort | ys|sort(case_sensitive=true) | xs|sort(reverse=true) | people|sort(attribute='age')|map(attribute='name')|list | people|sort(attribute='age,name')|map(attribute='name')|list | people|sort(true, attribute='city')|map(attribute='name')|list | [1,'a']|sort | [[2,1],[1,9],[1]]|sort | 'hello'|sort | d|sort | [true,0,1.5]|sort | [none,1]|sort
5|string | none|string | xs|string | 2.0|string | xs|sum | [1.5,2]|sum | people|sum(attribute='age') | xs|sum(start=10) | ys|sum | [[1],[2]]|sum(start=[]) | empty|sum | 'hello world-foo (bar) [x] {y} <z'|title | "it's o'neil"|title | 'ÉA bC'|title
d|tojson | xs|tojson | 'a"b\\c\n\t\x01/<>&\'你😀\u2028\x7f'|tojson | d|tojson(indent=2) | d|tojson(indent=0) | []|tojson(indent=2) | {}|tojson(indent=4) | {'a':[],'b':{}}|tojson(indent=1) | d|tojson(sort_keys=true) | '你😀\x7f'|tojson(ensure_ascii=true) | d|tojson(separators=(',',':')) | d|tojson(indent=2, separators=(',',' : ')) | d|tojson(indent='\t') | (1,2)|tojson | none|tojson | 1.0|tojson | 1e20|tojson | 'inf'|float|tojson | {1:2,none:3,true:4,1.5:5}|tojson | {(1,2):3}|tojson | (xs|map('string'))|tojson | range(2)|tojson | d.items()|tojson | d|tojson(true) | {'b':1,1:2}|tojson(sort_keys=true) | nested|tojson(indent=2) | ('<'|safe)|tojson | 'a'|tojson|length | d|tojson(false, 2)
'  a '|trim | 'xax'|trim('x') | 5|trim | none|trim | text|trim | 'hello world foo'|truncate(8) | 'hello world foo'|truncate(8, true) | 'hello world foo'|truncate(8, leeway=0) | 'hello world'|truncate(8, false, '…', 0) | 'abcdefgh'|truncate(3, true, leeway=0) | 'abc'|truncate(2) | 'hello world foo bar'|truncate(9, leeway=0, end='') | zh|truncate(3, true, '', 0)
[1,2,1,'a','A','b']|unique|list | ['a','A']|unique(true)|list | people|unique(attribute='city')|map(attribute='name')|list | [[1],[1]]|unique|list | 'hello'|unique|join | [1,1.0,true]|unique|list | 'aBc'|upper | 'a b&c/d?é你'|urlencode | {'a b':'c d','e':1}|urlencode | [('a',1),('b','/')]|urlencode | 5|urlencode | 'hello big world_x y-z 你好'|wordcount | {'class':'a','id':none,'x':'<'}|xmlattr | {'a':1}|xmlattr(false) | {'a b':1}|xmlattr | {}|xmlattr
123|filesizeformat | 1500|filesizeformat | 1|filesizeformat | 1048576|filesizeformat(true) | 3000000|filesizeformat | d|attr('b') | d|attr('items')|list | s|attr('upper') is callable | s|attr('nosuch') is defined
1 is odd | 2 is even | 7 is divisibleby 7 | 7 is divisibleby(2) | 'a' is odd | 1 is defined | none is none | 1 is not none | true is boolean | 1 is boolean | 1 is integer | true is integer | 1.0 is float | 1 is number | true is number | 'a' is number | 'a' is string | d is mapping | xs is mapping | xs is sequence | d is sequence | 's' is sequence | 5 is sequence | (xs|map('string')) is sequence | xs is iterable | 5 is iterable | range is callable | 5 is callable | s.upper is callable | 1 is in [1,2] | 'a' is in 'abc' | 1 is eq 1 | 1 is equalto 1.0 | 1 is ne 2 | 1 is lt 2 | 2 is gt 1 | 1 is le 1 | 1 is ge 2 | 2 is greaterthan 1 | 1 is lessthan 0 | 'abc' is lower | 'ABC' is upper | 'a' is upper | 1 is lower | true is true | 1 is true | false is false | 0 is false | none is sameas none | true is sameas true | 1 is sameas true | xs is sameas xs | 'upper' is filter | 'nosuch' is filter | 'odd' is test | ('<'|safe) is escaped | 'a' is escaped | 1 is defined and 2 is odd | 1 is not odd | 3 is divisibleby 3 and true | 1 is nosuch | not 1 is odd | xs[0] is odd | 1 is divisibleby 0 | d.x is defined | d.b is undefined | [] is none | 5 is gt(3) | 'a' is mapping | zh is string | 2 is number | 1 is == 1
range(3)|list | range(1,4)|list | range(5,0,-2)|list | range(0) | range(3) | range(1,9,3) | range(200000) | range('a') | range(1,5,0) | dict(a=1) | dict([('a',1)], b=2) | dict({'a':1}) | dict(1) | namespace(a=1).a | namespace(a=1).b | namespace(_a=1) | namespace() | joiner()() ~ 'x' | cycler(1,2).next() | cycler() | lipsum(1) is string | raise_exception('boom') | strftime_now('%Y-%m-%d %d %b %H:%M %A %j %y %B') | strftime_now('%-d %%') | range | d.get | namespace
1 + 'a' | 'a' + 1 | [1] + (1,) | none + 1 | 1 / 0 | 1 // 0 | 1 % 0 | 1.0 / 0 | 'a' - 1 | 'a' * 'b' | 1 < 'a' | none < 1 | {} < {} | [1] < [none] | 1 in 5 | 1 in 'a' | d[[1]] | {[1]: 2} | 5() | 'a'() | xs() | s.upper(1) | s.split(1) | none|length | -'a' | xs[1:'a'] | d[1:2] | none[0] | 5[0] | 'abc'['x'] | [] in {} | 0 ** -1 | (-8) ** 0.5 | 10 ** 400.5
true + 1 | true * 3 | 3 - true | -true | true / 2 | true ~ 'a' | 1.5 + true | 5 // 0.3 | 1e308 * 10 | -1 // 2 | 0.5 ** 2 | 4 ** 0.5 | 2 ** 62 | 1 - 0.9 | 3 * 1.1 | 1e22 | 1e21 + 1 | 123456.789e3 | 9007199254740993 | 0.1 | 1/7 | 100 / 3 | 2e-7 | 1e100 | 12345678.9 | 3.0 | 3.10
'\n\t\\\'\"' | '\x41\u4e2d\U0001F600' | '\101\7' | '\q' | '\é' | '你\\好' | "a\
b" | 'a' "b" | '' | '\N{BULLET}'
xs | ys | d | nested | people[2] | s | text | html|safe | [html|safe] | [s, zh] | {'k': zh} | "it's" | ["it's"] | ['"'] | ['\'"'] | ['\u00a0\u200b\u3000\ue000'] | ['\ud7ff'] | [1.0, 1e16, -0.0] | [[]] | {'a': {}} | ((1,),) | [none, true]
"""

STATEMENTS = r"""
{% if n == 7 %}a{% elif n == 8 %}b{% else %}c{% endif %}
{% if n == 8 %}a{% elif n == 7 %}b{% else %}c{% endif %}
{% if undefined_thing %}a{% else %}b{% endif %}
{% if 1, 2 %}t{% endif %}
{% for x in xs %}{{ x }},{% endfor %}
{% for x in empty %}{{ x }}{% else %}none{% endfor %}
{% for x in xs if x > 1 %}{{ loop.index }}:{{ x }}:{{ loop.last }}:{{ loop.length }} {% else %}no{% endfor %}
{% for x in xs if x > 9 %}{{ x }}{% else %}no{% endfor %}
{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}
{% for k in d %}{{ k }}{% endfor %}{% for c in zh %}[{{ c }}]{% endfor %}
{% for a, b in [(1,2),(3,4)] %}{{ a }}-{{ b }} {% endfor %}{% for (a, b), c in [((1,2),3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}
{% for a, b in [(1,2,3)] %}{{ a }}{% endfor %}
{% for x in xs %}{{ loop.index }} {{ loop.index0 }} {{ loop.revindex }} {{ loop.revindex0 }} {{ loop.first }} {{ loop.last }} {{ loop.length }} {{ loop.depth }} {{ loop.depth0 }} {{ loop.previtem }} {{ loop.nextitem }} {{ loop.cycle('a','b') }}|{% endfor %}
{% for x in [1,1,2] %}{{ loop.changed(x) }} {% endfor %}
{% for x in xs %}{{ loop }}{% endfor %}
{% for x in xs|map('string') %}{{ loop.last }}{{ loop.length }}{{ loop.revindex }} {% endfor %}
{% for x in xs|map('string') %}{{ loop.nextitem }}{{ loop.length }} {% endfor %}
{% for x in xs %}{% for y in ys %}{{ loop.index }}{{ x }}{{ y }} {% endfor %}{{ loop.index }}{% endfor %}
{% for x in xs %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}
{% for x in xs %}{% if x == 1 %}{% break %}{% endif %}{{ x }}{% endfor %}
{% for x in xs %}{% break %}{% else %}else{% endfor %}
{% for x in xs %}{% continue %}{% else %}else{% endfor %}
{% for x in xs %}{% if loop.last %}{% break %}{% endif %}{% else %}else{% endfor %}
{% for x in [1,[2,[3]]] recursive %}{% if x is iterable %}({{ loop(x) }}){% else %}{{ x }}d{{ loop.depth }} {% endif %}{% endfor %}
{% for x in nested recursive %}{% if x is iterable %}[{{ loop(x) }}]{% else %}{{ x }}{% endif %}{% else %}none{% endfor %}
{% for x in xs %}{{ loop(xs) }}{% endfor %}
{% for x in 5 %}{% endfor %}
{% for x in none %}{% endfor %}
{% for x in undefined_thing %}x{% else %}e{% endfor %}
{% for loop in xs %}{% endfor %}
{% for x in xs %}{% set loop = 1 %}{% endfor %}
{% for x in xs %}{% macro loop() %}{% endmacro %}{% endfor %}
{% break %}
{% continue %}
{% for x in xs %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}
{% for x in xs %}x{% else %}{% break %}{% endfor %}
{% for y in ys %}{% for x in [] %}x{% else %}{% break %}{% endfor %}y{% endfor %}
{% set x = 5 %}{{ x }}{% set x, y = 1, 2 %}{{ x }}{{ y }}{% set a = 1, %}{{ a }}
{% set x = 1 %}{% for i in xs %}{{ x }}{% set x = x + i %}{{ x }} {% endfor %}{{ x }}
{% for i in xs %}{% if loop.first %}{% set y = i %}{% endif %}{{ y }}{% endfor %}{{ y }}
{% set ns = namespace(x=0, l=[]) %}{% for i in xs %}{% set ns.x = ns.x + i %}{% set ns.l = ns.l + [i] %}{% endfor %}{{ ns.x }}{{ ns.l }}{{ ns }}
{% set n.x = 1 %}
{% set nope.x = 1 %}
{% set ns = namespace() %}{% set ns.a, b = 1, 2 %}{{ ns.a }}{{ b }}
{% set ns = namespace() %}{% set ns._a = 1 %}
{% set ns = namespace(a=1) %}{% set ns['b'] = 2 %}
{% if true %}{% set q = 1 %}{% endif %}{{ q }}
{% if not n is defined %}{% set n = 1 %}{% endif %}{{ n }}
{% if false %}{% set n = 1 %}{% endif %}{{ n }}
{% set n = n + 1 %}{{ n }}
{{ z }}{% set z = 1 %}{{ z }}
{% set x %}a{{ n }}b{% endset %}[{{ x }}]
{% set x | upper | trim %} abc {% endset %}[{{ x }}]
{% set x %}{% set inner = 3 %}{{ inner }}{% endset %}{{ x }}{{ inner }}
{% for i in xs %}{% set b %}{% if i == 1 %}{% break %}{% endif %}{{ i }}{% endset %}{{ b }}{% endfor %}
{% set x = %}
{% set 5 = 1 %}
{% set none = 1 %}
{% set a + b = 1 %}
{% macro m(a, b=2, c=a) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(1) }} {{ m(1, 3) }} {{ m(b=5, a=0) }} {{ m() }} {{ m(1,2,3) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(x=2) }}
{% macro m(a) %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, x=4) }}
{% macro m() %}[{{ caller() }}]{% endmacro %}{% call m() %}body{{ n }}{% endcall %}
{% macro m() %}[{{ caller(1, 2) }}]{% endmacro %}{% call(a, b=9) m() %}{{ a }}{{ b }}{% endcall %}
{% macro m() %}{% if caller %}y{{ caller() }}{% else %}n{% endif %}{% endmacro %}{{ m() }}{% call m() %}c{% endcall %}
{% macro m() %}x{% endmacro %}{% call m() %}c{% endcall %}
{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}
{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}
{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(5) }}
{% set x = 1 %}{% macro m() %}{{ x }}{% endmacro %}{% set x = 2 %}{{ m() }}
{% macro m() %}{{ late }}{% endmacro %}{% set late = 2 %}{{ m() }}
{% for i in xs %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}
{% set ns = namespace() %}{% for i in xs %}{% macro m() %}{{ i }}{% endmacro %}{% set ns.m = m %}{{ ns.m() }}{% endfor %}
{% macro m() %}{% set x = 3 %}{{ x }}{% endmacro %}{{ m() }}{{ x }}
{% macro m(a, a) %}{% endmacro %}
{% macro m(a=1, b) %}{% endmacro %}
{% macro m() %}<{% endmacro %}{{ m()|e }}{{ m() is string }}{{ m }}{{ m.name }}
{% macro m(caller) %}{{ caller }}{% endmacro %}{{ m(1) }}
{% macro m(x) %}{{ x is defined }}{% endmacro %}{{ m() }}
{% macro m(items) -%}{% for i in items %}{{ i }}{% endfor %}{%- endmacro %}{{ m(xs) }}{{ m(*[xs]) }}{{ m(**{'items': xs}) }}
{% filter upper %}abc{{ n }}d{% endfilter %}
{% filter replace('a', 'b')|title %}aaa c{% endfilter %}
{% filter nosuch %}x{% endfilter %}
{% with a=1, b=n %}{{ a }}{{ b }}{% endwith %}{{ a }}
{% set a = 5 %}{% with a=1, b=a %}{{ b }}{% endwith %}
{% with %}{% set q = 1 %}{{ q }}{% endwith %}{{ q }}
{% with a, b = 1, 2 %}{{ a }}{% endwith %}
{% print n, 'x' %}
{% raw %}{{ x }}{% if %}{% endraw %}|{%- raw -%} a {%- endraw -%} |
a {# comment {{ x }} #} b{#- c -#} d
a {%- if true -%} b {%- endif -%} c
a {{- ' x ' -}} b
  {% if true %}
  yes
  {% endif %}
end
a
  {% for x in xs %}
    {{ x }}
  {% endfor %}
b
  {%+ if true %} x {% endif +%}
y
  {# c #}
z
{% if true %}

a{% endif %}
  {{ n }}
{% if true -%}   a{% endif %}   b
{% if n is defined and n is not none %}{{ n }}{% endif %}
{{ 'a' if n else 'b' }}{{ ('a' if n else 'b')|upper }}
{% generation %}abc{{ n }}{% endgeneration %}x{% generation %}{% set inside = 1 %}{{ inside }}{% endgeneration %}{{ inside }}
{% for x in xs %}{% generation %}{% break %}{% endgeneration %}{% endfor %}
{% if false %}{{ n|nosuch }}{% endif %}ok
{% if false %}{% for x in xs %}{{ n|nosuch }}{% endfor %}{% endif %}ok
{{ n|nosuch if false }}ok
{{ n|nosuch if true }}
{% for x in [] %}{{ x|nosuch }}{% endfor %}
{% if false %}{{ n is nosuch }}{% endif %}ok
{% if %}{% endif %}
{% if true %}
{% endif %}
{% for x in xs %}
{% endfor x %}
{% foo %}
{{ }}
{{ 1 + }}
{{ (1 }}
{{ [1, }}
{{ {'a' 1} }}
{{ 'abc }}
{{ a b }}
{{ 1 is }}
{{ x| }}
{{ x.y. }}
{{ f(a=1, a=2) }}
{{ f(**d, 1) }}
{{ f(a=1, 2) }}
{{ 1 is odd is even }}
{# unclosed
{% raw %} unclosed
{% include 'x' %}
{% extends 'x' %}
{% import 'x' as y %}
{% from 'x' import y %}
{{ ! }}
{{ $ }}
{% set j = joiner('|') %}{% for x in xs %}{{ j() }}{{ x }}{% endfor %}
{% set c = cycler('a','b') %}{% for x in xs %}{{ c.next() }}{{ c.current }}{% endfor %}{{ c.reset() }}{{ c.next() }}
{% set g = xs|map('string') %}{{ g|list }}{{ g|list }}
{% set g = xs|select %}{% for x in g %}{{ x }}{% break %}{% endfor %}{{ g|list }}
{% set g = xs|map('nofilter') %}ok
{% for x in xs if loop.index > 1 %}{{ x }}{% endfor %}
{% for x in xs: %}{{ x }}{% endfor %}
{% set messages = [1] + xs %}{{ messages[1:] }}{{ messages|length }}
{% set x = xs %}{% set y = x + [9] %}{% set z = x + [8] %}{{ x }}{{ y }}{{ z }}
{% set x = 'a' %}{% set y = x + 'b' %}{% set z = y + 'c' %}{% set w = y + 'd' %}{{ x }}{{ y }}{{ z }}{{ w }}
{{ "%s" | format("x") }}{{ 'a' ~ ('b' ~ 'c')|upper }}{{ 1 ~ 2 + 3 }}{{ 'a' ~ 1 + 2 }}
{{- '\n' -}}{{ '\n' }}
{{ {'a': {'b': [1, 2, {'c': 3}]}}.a.b[2].c }}{{ [1,2,3][1:][0] }}{{ 'abc'[1:].upper() }}{{ ('a', 'b')[1] }}
{{ -xs[0] }}{{ -xs[0]|abs }}{{ (-3)|abs }}{{ 2 ** 3 ** 2 }}{{ -2 ** 2 }}{{ not true or true }}{{ 1 + 1 ~ 1 }}
{{ range(3)|list + [1] }}{{ 'x' in 'xyz' and 'y' }}{{ 5 if 0 else 6 if 0 else 7 }}
{{ 1 if false else }}
{{ caller }}{{ kwargs }}{{ loop }}{{ loop.index }}
{% set x = true and none %}{{ x }}{{ x is none }}
{{ lambda x: x }}
{{ `x` }}
{% do x %}
{% for i in range(3) %}{{ i }}{% if not loop.last %}, {% endif %}{% endfor %}
{% block b %}{% endblock %}
"""

LINES = ["a\n{% if true %}\nb\n{% endif %}\nc\n", "a\r\n{% if true %}\r\nb\r\n{% endif %}\r\nc\r\n\r\n", "a\rb\n", "x\n\n", "",
         "\n", "{{ '\n' }}", "{{ 'a\r\nb' }}", "  {% if true %}x{% endif %}  \n  y", "{{ 1 }}\n{{ 2 }}\n",
         "{% if true %}\n\n\nx{% endif %}", "  {#- x -#}  y", "a{#- x #}\n  b", "\t {%- if true %} a {% endif -%}\n\n b",
         "{% for x in xs %}\n  {{- x }}\n{% endfor %}\n", "x  {%- raw %}  y  {% endraw -%}  z", "  {% raw %}\n y{% endraw %}\nz",
         "{{ 1 }}  {# c #}\n  d", "\n  {% set x = 1 %}\n  {{ x }}\n", "a {%+ if true %} b {%+ endif %} c", "{{ '{{' }}{{ '%}' }}",
         "{ {{ 1 }} } {% if 1 %}{ % }{% endif %}", "a { b } # {x} %", "{{ {'a': {'b': 1}}['a']['b'] }}{{ {} }}", "{{ xs[0]}}{{xs[1] }}",
         "\u3000{%- if true %}x{% endif -%}\u3000y", "\x1c{% if true %}x{% endif %}", "  {{- 1 -}}  \n 2", "a\n{%- set x = 1 -%}   \n  {{ x }}",
         "text {% if true %}\ttab{% endif %}\tend", "{{'a'}}{%-if true-%} b {%-endif%}"]


def expressions():
    for line in EXPRESSIONS.strip("\n").replace("a\\\nb", "a\0b").split("\n"):
        for expression in split(line):
            yield "{{ " + expression.replace("\0", "\\\n") + " }}", XS
    for template in STATEMENTS.strip("\n").split("\n"):
        yield template, XS
    blocks = STATEMENTS.strip("\n").split("\n")
    start = blocks.index("  {% if true %}")
    yield "\n".join(blocks[start:start + 20]), XS
    for template in LINES:
        yield template, XS
    for line in chat_text_cases.HAND:
        for expression in split(line):
            yield "{{ " + expression + " }}", XS
    for template in chat_text_cases.cases(300, 5):
        yield template, XS


# What jinja2 renders and Athanor does not, on purpose.
REFUSED = {
    "{{ lipsum(1) is string }}": "random",
    "{{ (-8) ** 0.5 }}": "a complex number",
    "{{ '\\N{BULLET}' }}": "names of characters",
    "{% set g = xs|map('nofilter') %}ok": "found before it is used",
    "{% block b %}{% endblock %}": "blocks",
    "{{ {(1, 'a'): 1, ('a', 1): 2}|pprint }}": "keys without an order",
    "{{ 1e300.as_integer_ratio() }}": "an integer beyond 64 bits",
}


def split(line):
    """Cuts at ' | ' outside quotes; a filter is written without spaces around its bar."""
    out, piece, quote, i = [], "", "", 0
    while i < len(line):
        c = line[i]
        if quote:
            if c == "\\":
                piece += line[i:i + 2]
                i += 2
                continue
            quote = "" if c == quote else quote
        elif c in "'\"":
            quote = c
        elif line.startswith(" | ", i):
            out.append(piece)
            piece, i = "", i + 3
            continue
        piece += c
        i += 1
    return out + [piece]


TOOL = {"type": "function", "function": {"name": "get_weather", "description": "The weather of a city, e.g. \"Oslo\" <now> & later",
        "parameters": {"type": "object", "properties": {
            "city": {"type": "string", "description": "The city's name"},
            "unit": {"type": "string", "enum": ["C", "F"], "description": "温度单位"},
            "days": {"type": ["integer", "null"], "description": "How many", "default": 1}},
            "required": ["city"]},
        "return": {"type": "string", "description": "text"}}}
TOOL2 = {"type": "function", "function": {"name": "add", "description": "Adds", "parameters": {
    "type": "object", "properties": {"xs": {"type": "array", "items": {"type": "number"}}}, "required": []}}}
CALL = {"id": "abcdefghi", "type": "function", "function": {"name": "get_weather", "arguments": {"city": "Oslo", "days": 2}}}
CALL_TEXT = {"id": "abcdefghi", "type": "function", "function": {"name": "get_weather", "arguments": "{\"city\": \"Oslo\"}"}}
CALL2 = {"id": "123456789", "type": "function", "function": {"name": "add", "arguments": {"xs": [1, 2.5]}}}


def u(text):
    return {"role": "user", "content": text}


def a(text, **more):
    return {"role": "assistant", "content": text, **more}


def conversations():
    system = {"role": "system", "content": "You are terse."}
    plain = [u("Hi")]
    turns = [u("Hi"), a("Hello!"), u("2+2?"), a("4"), u("Thanks")]
    tooled = [u("Weather?"), a("", tool_calls=[CALL]), {"role": "tool", "name": "get_weather", "tool_call_id": "abcdefghi",
              "content": "{\"t\": -3.5}"}, a("Cold."), u("And 1+2.5?")]
    many = [u("Both?"), a("Let me see.", tool_calls=[CALL, CALL2]),
            {"role": "tool", "name": "get_weather", "tool_call_id": "abcdefghi", "content": "cold"},
            {"role": "tool", "name": "add", "tool_call_id": "123456789", "content": "3.5"}]
    tools = [TOOL, TOOL2]
    docs = [{"title": "T1", "text": "Doc one."}, {"title": "T2", "text": "Doc two."}]
    parts = [{"role": "user", "content": [{"type": "text", "text": "What is "}, {"type": "text", "text": "this?"}]}]
    image = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Describe."}]}]
    bases = [
        {"messages": plain}, {"messages": [system] + plain}, {"messages": turns}, {"messages": [system] + turns},
        {"messages": turns[:2]}, {"messages": turns[:4]}, {"messages": [system] + turns[:4]},
        {"messages": [system]}, {"messages": [a("I begin.")]}, {"messages": [u("a"), u("b")]},
        {"messages": [u("a"), a("b"), a("c")]}, {"messages": [u("")]}, {"messages": [u("x"), a("")]},
        {"messages": [{"role": "system", "content": ""}, u("x")]},
        {"messages": [u("  spaces  \n"), a("\n\n reply \n")]}, {"messages": [u("你好！"), a("你好，有什么可以帮你？"), u("谢谢😀")]},
        {"messages": [u("<|im_end|></s><|eot_id|>[INST]<eos>")]}, {"messages": [u("{{ 1 }}{% if %}")]},
        {"messages": [u("a\r\nb\tc\u2028d")]},
        {"messages": [u("q"), a("<think>\nlong thought\n</think>\n\nanswer"), u("more"), a("<think>t2</think>end")]},
        {"messages": [u("q"), a("answer", reasoning_content="because"), u("more")]},
        {"messages": [u("q"), a("answer", reasoning_content="because")]},
        {"messages": [u("q"), a("answer", thinking="hm")]},
        {"messages": [u("q"), a("answer", reasoning="hm")]},
        {"messages": plain, "tools": tools}, {"messages": [system] + plain, "tools": [TOOL]},
        {"messages": tooled, "tools": tools}, {"messages": [system] + tooled, "tools": tools}, {"messages": tooled},
        {"messages": many, "tools": tools}, {"messages": many + [a("Cold, and 3.5.")], "tools": tools},
        {"messages": [u("w"), a(None, tool_calls=[CALL_TEXT]), {"role": "tool", "tool_call_id": "abcdefghi", "content": "x"}],
         "tools": [TOOL]},
        {"messages": [u("w"), a("", tool_calls=[CALL["function"]]), {"role": "tool", "content": "x"}], "tools": [TOOL]},
        {"messages": [u("w"), a("", reasoning_content="think", tool_calls=[CALL]), {"role": "tool", "content": "x"}], "tools": [TOOL]},
        {"messages": [u("w"), a("", tool_calls=[CALL]), {"role": "tool", "content": {"t": 1, "u": [True, None]}}], "tools": [TOOL]},
        {"messages": [u("w"), {"role": "ipython", "content": "out"}]},
        {"messages": [{"role": "developer", "content": "Dev."}, u("x")]},
        {"messages": [{"role": "nobody", "content": "x"}]}, {"messages": [{"role": "user"}]}, {"messages": [{"content": "x"}]},
        {"messages": []}, {"messages": parts}, {"messages": [system] + parts}, {"messages": image},
        {"messages": [u(5)]}, {"messages": [u(None)]}, {"messages": [u("x")], "documents": docs},
        {"messages": [u("x")], "arguments": {"enable_thinking": False}},
        {"messages": turns, "arguments": {"enable_thinking": True, "thinking": True}},
        {"messages": [u("x")], "arguments": {"bos_token": "<B>", "date_string": "1 Jan 2024", "reasoning_effort": "high"}},
        {"messages": [u("x")], "arguments": {"builtin_tools": ["python"], "tools_in_user_message": False}, "tools": tools},
    ]
    for base in bases:
        yield base
        yield {**base, "add_generation_prompt": True}
    for base in bases:
        if base["messages"] and base["messages"][-1].get("role") == "assistant" or len(base["messages"]) < 2:
            yield {**base, "continue_final_message": True}
