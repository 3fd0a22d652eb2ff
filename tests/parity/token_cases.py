"""Random tokenizer.json files and texts, for the parity of every type of tokenizer.json with HF tokenizers.

config(rng) gives a file as a dict, text(rng) a text over alphabets that hurt. Nothing here is fit for use.
"""
import base64
import struct

WORDS = ["hello", "world", "the", "cat", "a", "b", "ab", "1", "12", ".", "Ġhello", "▁the", "▁", "##s", "##lo", "é", "中",
         "mask", "HELLO", "hello</w>", "s", "x", "<0x41>", "<0xE4>", "<0xBD>", "<0xA0>", "|", "<pad>", "▁cat", "!", "n't",
         "Ġ", "do", "not", "'s", " ", "ﬁ", "\u0301", "한", "l", "o", "h", "e", "▁▁"]
ALPHABETS = ["ab ", "aA1 '\n\r\tsS", "éñ中あ한 1!\n😀\u0301\u00a0'tT", "'sStTmMdDrReEvVlL \u017f\u212a", "\n\r \t\u2028.,;!a1",
             "01234567 \u00bd٣ab", "<s>[MASK] hello<|x|>", "▁ a▁b  ", "ÀÉîõü ǅ ﬁ ẛ\u0323\u0307", "\u200b\u200d\ufeff\x00\x7f\x85a ",
             "カナかな漢字ー。、a ", "Привет мир ", "\U00010400\U0001e900\u1e9eİIı", "①²Ⅷ½ ㍿ ",
             "가각\u1100\u1161\u11a8 ", "\u0300\u0323\u0345\u0e01\u0e33a ", "नमस्ते \u0903क़", "a-b_c#d$e ", "hello HELLO the cat ",
             "ＡＢＣ　１２３", "\U00016ac1\u1c89ꟊ\U00010d50\u0897 a", "𝒳𝓎 \U000e0001\U0010ffff"]
PATTERNS = [r"\s+", r"\w+", r"\d", r"[aeiou]", r"\p{L}+", r"\p{N}{1,3}", r" ?\p{L}+| ?\p{N}+|\s+", r"(?<=a)b", r"a(?!b)",
            r"[^\s\p{L}]+", r"(?i:'s|'t|'re)", r"\b", r"x*", r"a|ab|abc", r"(?:ab)+", r"[\p{L}\p{M}]+|[\p{P}\p{S}]",
            r"^.", r".$", r"\p{Han}+", r"[\u4e00-\u9fa5]+|[a-z]{2,}?", r"(?=\d)", r"\s*[\r\n]+|\s+(?!\S)|\s+", r"\p{Lu}\p{Ll}*",
            r"[a-c&&[^b]]+", r"[[:alpha:]]+", r"(?m:.+)", r"(a+)+b|a", r"\p{^L}", r"\P{L}+?", r"[^\S\n]+", r"\h+", r"(?>a+)b?",
            r"a++", r"(?:a|b){1,2}c?", r"[\]\-a]", r"\Aa|b\z|\Z", r"é+|\x{4e2d}", r"(?<!\d)\d{2}", r"[·\w]+", r"'(?:[sdmt]|ll)",
            r"\p{Lm}|\p{Sc}|\p{Cn}", r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+", r"a{,2}b",
            r"\p{Alphabetic}", r"(?i)hello", r"(?i:[k-s]+)", r"$", r"^", r"\B", r"a{2}?", r"b{1,2}+", "[\\W_]", "~", r"(?<x>a)b"]
LITERALS = [" ", "a", "ab", "  ", "", ".", "▁", "中", "\n", "a+", "\\s"]
BEHAVIORS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]


def darts(pairs):
    """A Darts double array for a few byte strings, laid out without any cleverness, and its pool of replacements."""
    pool, values = b"", {}
    for key, replacement in sorted(pairs.items()):
        values[key.encode()] = len(pool)
        pool += replacement.encode() + b"\0"
    units, used = [0] * 4096, {0}

    def place(prefix, at):
        keys = [key for key in values if key.startswith(prefix)]
        labels = sorted({key[len(prefix)] if len(key) > len(prefix) else 0 for key in keys})
        base = next(b for b in range(1, 4096) if all((at ^ b ^ label) not in used and (at ^ b ^ label) < 4096
                                                     and b < (1 << 21) for label in labels))
        units[at] |= base << 10
        for label in labels:
            used.add(at ^ base ^ label)
        for label in labels:
            child = at ^ base ^ label
            if label == 0:
                units[at] |= 1 << 8
                units[child] = values[prefix] | 1 << 31
            else:
                units[child] |= label
                place(prefix + bytes([label]), child)

    place(b"", 0)
    trie = struct.pack("<4096I", *units)
    return base64.b64encode(struct.pack("<I", len(trie)) + trie + pool).decode()


CHARSMAP = darts({"ﬁ": "fi", "Ａ": "A", "①": "1", "²": "2", "\u00a0": " ", "\u3000": " ", "\u200b": "", "é": "e\u0301",
                  "e\u0301": "é", "㍿": "株式会社", "½": "1⁄2", "a\u0323": "ạ", "\n": " ", "ー": "-", "\u0301": ""})


def pattern(rng):
    return {"Regex": rng.choice(PATTERNS)} if rng.random() < 0.7 else {"String": rng.choice(LITERALS)}


def normalizer(rng, depth=0):
    kind = rng.choice(["NFC", "NFD", "NFKC", "NFKD", "Nmt", "Lowercase", "StripAccents", "Strip", "Prepend", "Replace",
                       "Precompiled", "BertNormalizer", "Sequence"])
    if kind == "Strip":
        return {"type": kind, "strip_left": rng.random() < 0.6, "strip_right": rng.random() < 0.6}
    if kind == "Prepend":
        return {"type": kind, "prepend": rng.choice(["▁", "x", "中a", " "])}
    if kind == "Replace":
        return {"type": kind, "pattern": pattern(rng), "content": rng.choice(["▁", "", " ", "xyz", "中"])}
    if kind == "Precompiled":
        return {"type": kind, "precompiled_charsmap": CHARSMAP}
    if kind == "BertNormalizer":
        return {"type": kind, "clean_text": rng.random() < 0.5, "handle_chinese_chars": rng.random() < 0.5,
                "strip_accents": rng.choice([None, True, False]), "lowercase": rng.random() < 0.5}
    if kind == "Sequence":
        count = 0 if depth > 1 else rng.randint(0, 3)
        return {"type": kind, "normalizers": [normalizer(rng, depth + 1) for _ in range(count)]}
    return {"type": kind}


def metaspace(rng):
    return {"type": "Metaspace", "replacement": rng.choice(["▁", "▁", "_"]),
            "prepend_scheme": rng.choice(["first", "never", "always"]), "split": rng.random() < 0.6}


def pre_tokenizer(rng, depth=0):
    kind = rng.choice(["Split", "Split", "Whitespace", "WhitespaceSplit", "Punctuation", "Digits", "Metaspace",
                       "CharDelimiterSplit", "UnicodeScripts", "BertPreTokenizer", "FixedLength", "Sequence", "Sequence"])
    if kind == "Split":
        return {"type": kind, "pattern": pattern(rng), "behavior": rng.choice(BEHAVIORS), "invert": rng.random() < 0.3}
    if kind == "Punctuation":
        return {"type": kind, "behavior": rng.choice(BEHAVIORS)}
    if kind == "Digits":
        return {"type": kind, "individual_digits": rng.random() < 0.5}
    if kind == "Metaspace":
        return metaspace(rng)
    if kind == "CharDelimiterSplit":
        return {"type": kind, "delimiter": rng.choice(["a", " ", "中", "-"])}
    if kind == "FixedLength":
        return {"type": kind, "length": rng.randint(1, 7)}
    if kind == "Sequence":
        count = 0 if depth > 1 else rng.randint(0, 3)
        return {"type": kind, "pretokenizers": [pre_tokenizer(rng, depth + 1) for _ in range(count)]}
    return {"type": kind}


def byte_level(rng, **flags):
    return {"type": "ByteLevel", "add_prefix_space": rng.random() < 0.5, "trim_offsets": rng.random() < 0.6,
            "use_regex": rng.random() < 0.5, **flags}


def post_processor(rng, specials):
    names = list(specials)
    kind = rng.choice(["TemplateProcessing", "BertProcessing", "RobertaProcessing", "ByteLevel", "Sequence"])
    if kind == "BertProcessing":
        return {"type": kind, "sep": [names[0], specials[names[0]]], "cls": [names[1], specials[names[1]]]}
    if kind == "RobertaProcessing":
        return {"type": kind, "sep": [names[0], specials[names[0]]], "cls": [names[1], specials[names[1]]],
                "trim_offsets": rng.random() < 0.5, "add_prefix_space": rng.random() < 0.5}
    if kind == "ByteLevel":
        return byte_level(rng)
    template = {"type": "TemplateProcessing", "single": pieces(rng, names, ["A"]), "pair": pieces(rng, names, ["A", "B"]),
                "special_tokens": {name: {"id": name, "ids": [number], "tokens": [name]}
                                   for name, number in specials.items()}}
    if kind == "Sequence":
        return {"type": kind, "processors": [byte_level(rng), template][::rng.choice([1, -1])]}
    return template


def pieces(rng, names, texts):
    out = [{"Sequence": {"id": each, "type_id": rng.randint(0, 2)}} for each in texts]
    for _ in range(rng.randint(0, 3)):
        out.insert(rng.randint(0, len(out)), {"SpecialToken": {"id": rng.choice(names), "type_id": rng.randint(0, 2)}})
    return out


def decoder(rng, depth=0):
    kind = rng.choice(["ByteLevel", "Metaspace", "WordPiece", "BPEDecoder", "CTC", "Fuse", "Strip", "Replace", "ByteFallback",
                       "Sequence", "Sequence"])
    if kind == "ByteLevel":
        return byte_level(rng)
    if kind == "Metaspace":
        return metaspace(rng)
    if kind == "WordPiece":
        return {"type": kind, "prefix": rng.choice(["##", "", "▁"]), "cleanup": rng.random() < 0.5}
    if kind == "BPEDecoder":
        return {"type": kind, "suffix": rng.choice(["</w>", "s", "Ġ"])}
    if kind == "CTC":
        return {"type": kind, "pad_token": rng.choice(["<pad>", "l"]), "word_delimiter_token": "|",
                "cleanup": rng.random() < 0.5}
    if kind == "Strip":
        return {"type": kind, "content": rng.choice([" ", "▁", "l", "e"]), "start": rng.randint(0, 2), "stop": 0}
    if kind == "Replace":
        return {"type": kind, "pattern": pattern(rng), "content": rng.choice(["▁", "", " ", "xyz"])}
    if kind == "Sequence":
        count = 0 if depth > 1 else rng.randint(0, 4)
        return {"type": kind, "decoders": [decoder(rng, depth + 1) for _ in range(count)]}
    return {"type": kind}


def added_tokens(rng, first_id, vocab):
    out, taken = [], set()
    for content in rng.sample(["<s>", "</s>", "[MASK]", "<|x|>", "<|x|>y", "hello", "the cat", "A", "é", "  ", "a\u0301", "Cat", "s",
                               "ab", "abc", " b", "中", "\n\n", "▁", "Ａ"], rng.randint(2, 7)):
        number = vocab.get(content, first_id + len(taken))
        if content not in vocab:
            taken.add(content)
        out.append({"id": number, "content": content, "single_word": rng.random() < 0.3, "lstrip": rng.random() < 0.3,
                    "rstrip": rng.random() < 0.3, "normalized": rng.random() < 0.5, "special": rng.random() < 0.5})
    return sorted(out, key=lambda token: token["id"])


def byte_characters():
    kept = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    moved = [byte for byte in range(256) if byte not in kept]
    return [chr(byte) for byte in kept] + [chr(256 + i) for i in range(len(moved))]


def config(rng):
    bytes_model = rng.random() < 0.35
    if bytes_model:
        vocab = {c: i for i, c in enumerate(byte_characters() + ["Ġt", "he", "Ġa"])}
        model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                 "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                 "vocab": vocab, "merges": [["Ġ", "t"], ["h", "e"], ["Ġ", "a"]]}
    else:
        vocab = {word: i for i, word in enumerate(["[UNK]", *WORDS])}
        model = {"type": "WordLevel", "vocab": vocab, "unk_token": "[UNK]"}
    added = added_tokens(rng, len(vocab), vocab)
    specials = {token["content"]: token["id"] for token in added}
    pre = None if rng.random() < 0.1 else pre_tokenizer(rng)
    if bytes_model:
        parts = [pre_tokenizer(rng, 1) for _ in range(rng.choice([0, 0, 1, 1, 2]))]
        after = [pre_tokenizer(rng, 2) for _ in range(rng.choice([0, 0, 0, 0, 1]))]
        pre = {"type": "Sequence", "pretokenizers": parts + [byte_level(rng)] + after}
    out = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
           "normalizer": normalizer(rng) if rng.random() < 0.7 else None, "pre_tokenizer": pre,
           "post_processor": post_processor(rng, specials) if rng.random() < 0.6 else None,
           "decoder": decoder(rng) if rng.random() < 0.9 else None, "model": model}
    if rng.random() < 0.3:
        out["truncation"] = {"direction": rng.choice(["Left", "Right"]), "max_length": rng.randint(5, 20),
                             "strategy": rng.choice(["LongestFirst", "OnlyFirst", "OnlySecond"]),
                             "stride": rng.randint(0, 2)}
    if rng.random() < 0.3:
        out["padding"] = {"strategy": rng.choice(["BatchLongest", {"Fixed": 30}]), "direction": rng.choice(["Left", "Right"]),
                          "pad_to_multiple_of": rng.choice([None, 8]), "pad_id": 3, "pad_type_id": 1, "pad_token": "cat"}
    return out


def text(rng):
    out = ""
    for _ in range(rng.randint(1, 3)):
        alphabet = rng.choice(ALPHABETS)
        out += "".join(rng.choice(alphabet) for _ in range(rng.randint(0, 14)))
        if rng.random() < 0.3:
            out += rng.choice(["<s>", "[MASK]", " <|x|> ", "hello", "the cat", " A ", "  ", "Cat", "ＣＡＴ", "abc"])
    return out
