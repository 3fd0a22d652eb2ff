"""The peer of bench/networks.py: the same model in idiomatic PyTorch (transformers' own classes for the families that it has,
torch.nn for the rest), eager or compiled. One line of JSON: seconds a step (forward, backward, clipping, fused AdamW), of the
first one too, peak memory. The batches are ready tensors.

  python3 bench/networks_peer.py NAME CONFIG_JSON ROWS [--bf16] [--compile] [--seconds S] [--threads N]
"""
import json
import time

STARTED = time.perf_counter()

import argparse  # noqa: E402
import resource  # noqa: E402
import sys  # noqa: E402

sys.path.pop(0)  # this folder, whose kernels.py transformers would take for a package of that name

import torch  # noqa: E402
import torch.nn as nn  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch.nn.utils.rnn import pack_padded_sequence  # noqa: E402

VOCAB = 8192
BATCHES = 8


class Texts(nn.Module):
    """LSTM or GRU, the last state of both directions; padded, or packed where lengths differ."""

    def __init__(self, o):
        super().__init__()
        kind = nn.LSTM if o["family"] == "lstm" else nn.GRU
        self.embedding = nn.Embedding(VOCAB, o["embedding"])
        self.rnn = kind(o["embedding"], o["width"], o["layers"], batch_first=True, bidirectional=o["bidirectional"])
        self.classifier = nn.Linear(o["width"] * (1 + o["bidirectional"]), 2)

    def forward(self, tokens, lengths=None):
        x = self.embedding(tokens)
        if lengths is not None:
            x = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        state = self.rnn(x)[1]
        hidden = state[0] if isinstance(state, tuple) else state
        return self.classifier(hidden[-2:].transpose(0, 1).flatten(1))


class LstmLm(nn.Module):
    def __init__(self, c):
        super().__init__()
        width = c["hidden_size"]
        self.embedding = nn.Embedding(VOCAB, width)
        self.rnn = nn.LSTM(width, width, c["num_hidden_layers"], batch_first=True)
        self.head = nn.Linear(width, VOCAB, bias=False)
        if c.get("tie_word_embeddings"):
            self.head.weight = self.embedding.weight

    def forward(self, tokens, targets):
        return F.cross_entropy(self.head(self.rnn(self.embedding(tokens))[0]).flatten(0, 1), targets.flatten())


class TextCnn(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, o["embedding"])
        self.convs = nn.ModuleList(nn.Conv1d(o["embedding"], o["width"], int(k)) for k in o["kernels"])
        self.classifier = nn.Linear(o["width"] * len(o["kernels"]), 2)

    def forward(self, tokens):
        x = self.embedding(tokens).transpose(1, 2)
        return self.classifier(torch.cat([F.relu(conv(x)).amax(2) for conv in self.convs], 1))


class TcnBlock(nn.Module):
    def __init__(self, before, after, kernel, dilation):
        super().__init__()
        self.conv = nn.Conv1d(before, after, kernel, padding=dilation * (kernel - 1) // 2, dilation=dilation)
        self.norm = nn.LayerNorm(after)
        self.downsample = nn.Conv1d(before, after, 1) if before != after else nn.Identity()

    def forward(self, x):
        return F.relu(self.norm(self.conv(x).transpose(1, 2)).transpose(1, 2)) + self.downsample(x)


class Tcn(nn.Module):
    def __init__(self, o, values):
        super().__init__()
        channels = [values] + [int(c) for c in o["channels"]]
        self.blocks = nn.Sequential(*(TcnBlock(a, b, int(o["kernels"][0]), 2 ** i)
                                      for i, (a, b) in enumerate(zip(channels, channels[1:]))))
        self.classifier = nn.Linear(channels[-1], 2)

    def forward(self, x):
        return self.classifier(self.blocks(x.transpose(1, 2)).mean(2))


def lenet():
    return nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(),
                         nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(),
                         nn.Linear(84, 2))


class Block(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after)
        self.conv2, self.bn2 = nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after)
        self.downsample = nn.Identity() if before == after else nn.Sequential(
            nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.downsample(x))


class ResNet(nn.Module):
    def __init__(self, o):
        super().__init__()
        channels = [int(c) for c in o["channels"]]
        blocks, before = [], channels[0]
        for stage, count in enumerate(o["blocks"]):
            for block in range(int(count)):
                blocks.append(Block(before, channels[stage], 2 if stage > 0 and block == 0 else 1))
                before = channels[stage]
        self.stem = nn.Sequential(nn.Conv2d(3, channels[0], 3, 1, 1, bias=False), nn.BatchNorm2d(channels[0]), nn.ReLU())
        self.blocks = nn.Sequential(*blocks)
        self.fc = nn.Linear(before, 2)

    def forward(self, x):
        return self.fc(self.blocks(self.stem(x)).mean((2, 3)))


class Mlp(nn.Module):
    def __init__(self, o, values, categories):
        super().__init__()
        widths = [round(1.6 * c ** 0.56) for c in categories]
        self.embeddings = nn.ModuleList(nn.Embedding(c, w) for c, w in zip(categories, widths))
        sizes = [values + sum(widths)] + [int(h) for h in o["hidden"]]
        layers = [m for a, b in zip(sizes, sizes[1:]) for m in (nn.Linear(a, b), nn.ReLU())]
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-1], 2))

    def forward(self, values, categories):
        return self.layers(torch.cat([values] + [e(categories[:, i]) for i, e in enumerate(self.embeddings)], 1))


def from_transformers(config, cls):
    import transformers
    made = transformers.AutoConfig.for_model(**{k: v for k, v in config.items() if k not in ("length", "shortest", "categories")})
    return getattr(transformers, cls)(made)


def build(name, config, rows):
    """The model, its loss as a function of (model, step), of ready batches."""
    length, options = config["length"], config.get("model", {})
    tokens = torch.randint(VOCAB, (BATCHES, rows, length))
    labels = torch.randint(2, (BATCHES, rows))
    if name in ("qwen3", "gemma3"):
        model = from_transformers(config, {"qwen3": "Qwen3ForCausalLM", "gemma3": "Gemma3ForCausalLM"}[name])
        return model, lambda m, i: m(input_ids=tokens[i], labels=tokens[i], use_cache=False).loss
    if name == "bert_mlm":
        model = from_transformers(config, "BertForPreTraining")
        targets = torch.where(torch.rand(tokens.shape) < 0.15, tokens, -100)
        types, mask = torch.randint(2, tokens.shape), torch.ones(rows, length, dtype=torch.long)
        return model, lambda m, i: m(input_ids=tokens[i], token_type_ids=types[i], attention_mask=mask, labels=targets[i],
                                     next_sentence_label=labels[i]).loss
    if name == "bert":
        model = from_transformers(config, "BertForSequenceClassification")
        mask = torch.ones(rows, length, dtype=torch.long)
        return model, lambda m, i: m(input_ids=tokens[i], attention_mask=mask, labels=labels[i]).loss
    if name == "lstm_lm":
        return LstmLm(config), lambda m, i: m(tokens[i], tokens[i])
    if name == "mixed":
        lengths = torch.randint(config["shortest"], length + 1, (BATCHES, rows))
        return Texts(options), lambda m, i: F.cross_entropy(m(tokens[i], lengths[i]), labels[i])
    if name == "mlp":
        values = torch.randn(BATCHES, rows, 16)
        categories = torch.stack([torch.randint(c, (BATCHES, rows)) for c in config["categories"]], 2)
        return Mlp(options, 16, config["categories"]), lambda m, i: F.cross_entropy(m(values[i], categories[i]), labels[i])
    model, inputs = {
        "lstm": lambda: (Texts(options), tokens),
        "gru": lambda: (Texts(options), tokens),
        "textcnn": lambda: (TextCnn(options), tokens),
        "tcn": lambda: (Tcn(options, 8), torch.randn(BATCHES, rows, length, 8)),
        "cnn": lambda: (lenet(), torch.randn(BATCHES, rows, 1, 28, 28)),
        "resnet": lambda: (ResNet(options), torch.randn(BATCHES, rows, 3, 32, 32)),
        "resnet18": lambda: (ResNet(options), torch.randn(BATCHES, rows, 3, 32, 32)),
    }[name]()
    return model, lambda m, i: F.cross_entropy(m(inputs[i]), labels[i])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("config", type=json.loads)
    parser.add_argument("rows", type=int)
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    model, loss_of = build(args.name, args.config, args.rows)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    run = torch.compile(model) if args.compile else model
    out = {"wall": [], "cpu": [], "parameters": sum(p.numel() for p in model.parameters())}
    warm_up, fewest, step = 2, 2, 0
    while step < warm_up + fewest or sum(out["wall"]) < args.seconds:
        start, cpu = time.perf_counter(), time.process_time()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.bf16):
            loss = loss_of(run, step % BATCHES)
        out["loss"] = loss.item()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if step == 0:
            out["first_step"] = time.perf_counter() - STARTED
        if step >= warm_up:
            out["wall"].append(time.perf_counter() - start)
            out["cpu"].append(time.process_time() - cpu)
        step += 1
    out["peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(out), flush=True)


main()
