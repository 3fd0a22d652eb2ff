"""The dump tool of tests/parity/token_dump.cc as a Python object, and HF tokenizers' answer in the same shape."""
import json
import subprocess


class Ours:
    """One process; every request is one line."""

    def __init__(self, tool):
        self.process = subprocess.Popen([tool], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the tool died of {json.dumps(request)[:2000]}")
        return json.loads(line)


def encoding(full):
    """An HF Encoding as token_dump.cc writes one."""
    return {"ids": full.ids, "type_ids": full.type_ids, "offsets": [list(pair) for pair in full.offsets],
            "words": [-1 if word is None else word for word in full.word_ids], "special": full.special_tokens_mask,
            "attention": full.attention_mask, "overflowing": [encoding(window) for window in full.overflowing]}


def differences(ours, theirs):
    """The names of the parts in which two encodings differ."""
    if "error" in ours:
        return ["error"]
    return [name for name, value in theirs.items() if ours[name] != value]
