"""Makes tests/fixtures/model/nets: networks of PyTorch, their logits, gradients and running statistics.

    python3 tests/parity/make_net_fixtures.py tests/fixtures/model/nets

Written with torch 2.13.0. A second, independent implementation of every family of athanor/model/nets:
recurrent cells by torch.nn, texts and series row by row without any padding, ResNet as torchvision writes it. Checked
by athanor/model/nets/net_parity_test.cc.
"""

import json
import struct
import sys
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F

LENGTHS = [5, 9, 1, 7]
DTYPES = {torch.float32: "F32", torch.int64: "I64"}


def save_file(tensors, path):
    """The safetensors container."""
    header, data = {}, b""
    for name, tensor in sorted(tensors.items(), key=lambda item: item[1].dtype != torch.int64):
        raw = bytes(tensor.contiguous().flatten().view(torch.uint8).tolist())
        header[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


class Recurrent(nn.Module):
    def __init__(self, cell, inputs, width, layers, both, pooling, classes, vocab=0):
        super().__init__()
        if vocab:
            self.embedding = nn.Embedding(vocab, inputs)
        self.rnn = getattr(nn, cell)(inputs, width, layers, bidirectional=both, batch_first=True)
        self.classifier = nn.Linear(width * (2 if both else 1), classes)
        self.pooling, self.both = pooling, both

    def forward(self, x, lengths):
        rows = []
        for row, length in zip(x, lengths):
            row = row[:length].unsqueeze(0)
            steps, last = self.rnn(self.embedding(row) if hasattr(self, "embedding") else row)
            last = last[0] if isinstance(last, tuple) else last
            if self.pooling == "last":
                rows.append(torch.cat([last[-2, 0], last[-1, 0]]) if self.both else last[-1, 0])
            else:
                rows.append(steps[0].mean(0) if self.pooling == "mean" else steps[0].max(0).values)
        return self.classifier(torch.stack(rows))


class TextCnn(nn.Module):
    def __init__(self, vocab, inputs, width, kernels, classes):
        super().__init__()
        self.embedding = nn.Embedding(vocab, inputs)
        self.convs = nn.ModuleList(nn.Conv1d(inputs, width, k) for k in kernels)
        self.classifier = nn.Linear(width * len(kernels), classes)

    def forward(self, x, lengths):
        rows = []
        for row, length in zip(x, lengths):
            e = self.embedding(row[:length]).t().unsqueeze(0)
            parts = []
            for conv in self.convs:
                k = conv.kernel_size[0]
                wide = F.pad(e, (0, max(0, k - length)))
                parts.append(F.relu(conv(wide)).max(2).values[0])
            rows.append(torch.cat(parts))
        return self.classifier(torch.stack(rows))


class TcnBlock(nn.Module):
    def __init__(self, inputs, outputs, kernel, dilation):
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, kernel, padding=dilation * (kernel - 1) // 2, dilation=dilation)
        self.norm = nn.LayerNorm(outputs)
        if inputs != outputs:
            self.downsample = nn.Conv1d(inputs, outputs, 1)

    def forward(self, x):
        y = F.relu(self.norm(self.conv(x).transpose(1, 2)).transpose(1, 2))
        return y + (self.downsample(x) if hasattr(self, "downsample") else x)


class Tcn(nn.Module):
    def __init__(self, inputs, channels, kernel, pooling, classes):
        super().__init__()
        sizes = [inputs] + channels
        self.blocks = nn.ModuleList(TcnBlock(sizes[i], sizes[i + 1], kernel, 2 ** i) for i in range(len(channels)))
        self.classifier = nn.Linear(channels[-1], classes)
        self.pooling = pooling

    def forward(self, x, lengths):
        rows = []
        for row, length in zip(x, lengths):
            y = row[:length].t().unsqueeze(0)
            for block in self.blocks:
                y = block(y)
            rows.append({"mean": y.mean(2), "max": y.max(2).values, "last": y[:, :, -1]}[self.pooling][0])
        return self.classifier(torch.stack(rows))


class Mlp(nn.Module):
    def __init__(self, values, categories, embedding, hidden, activation, norm, classes):
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(n, embedding) for n in categories)
        sizes = [values + embedding * len(categories)] + hidden
        self.layers = nn.ModuleList(nn.Linear(sizes[i], sizes[i + 1]) for i in range(len(hidden)))
        if norm != "none":
            self.norms = nn.ModuleList((nn.BatchNorm1d if norm == "batch" else nn.LayerNorm)(n) for n in hidden)
        self.classifier = nn.Linear(sizes[-1], classes)
        self.activation = {"relu": F.relu, "gelu": F.gelu, "tanh": torch.tanh}[activation]

    def forward(self, values, categories):
        x = torch.cat([values] + [e(categories[:, i]) for i, e in enumerate(self.embeddings)], 1)
        for i, layer in enumerate(self.layers):
            x = layer(x)
            x = self.activation(self.norms[i](x) if hasattr(self, "norms") else x)
        return self.classifier(x)


class LeNet(nn.Module):
    def __init__(self, channels, size, outputs):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        side = (size // 2 - 4) // 2
        self.fc1 = nn.Linear(16 * side * side, 20)
        self.fc2 = nn.Linear(20, 12)
        self.fc3 = nn.Linear(12, outputs)

    def forward(self, x):
        x = F.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = F.max_pool2d(torch.relu(self.conv2(x)), 2)
        x = torch.relu(self.fc1(x.flatten(1)))
        return self.fc3(torch.relu(self.fc2(x)))


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    def __init__(self, channels, widths, blocks, large, classes):
        super().__init__()
        self.large = large
        self.conv1 = nn.Conv2d(channels, widths[0], 7 if large else 3, 2 if large else 1, 3 if large else 1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        inputs = widths[0]
        for stage, (width, count) in enumerate(zip(widths, blocks)):
            made = []
            for block in range(count):
                made.append(BasicBlock(inputs, width, 2 if stage > 0 and block == 0 else 1))
                inputs = width
            setattr(self, f"layer{stage + 1}", nn.Sequential(*made))
        self.stages = len(widths)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.max_pool2d(x, 3, 2, 1) if self.large else x
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        return self.fc(x.mean((2, 3)))


def text():
    tokens = torch.randint(0, 11, (4, max(LENGTHS)))
    for row, length in zip(tokens, LENGTHS):
        row[length:] = 0
    return dict(tokens=tokens, lengths=torch.tensor(LENGTHS))


def series():
    values = torch.randn(4, max(LENGTHS), 3)
    for row, length in zip(values, LENGTHS):
        row[length:] = 0
    return dict(values=values, lengths=torch.tensor(LENGTHS))


def images(channels, size):
    return dict(pixels=torch.randn(4, channels, size, size))


def table():
    return dict(values=torch.randn(4, 3), categories=torch.randint(0, 4, (4, 2)))


def cases():
    """name: model block, shape, module, batch."""
    text_shape = dict(kind="text", vocab_size=11)
    series_shape = dict(kind="series", num_values=3)
    table_shape = dict(kind="table", num_values=3, categories=[4, 5])

    def recurrent(family, cell, width, layers, both, pooling, of_text=True):
        options = dict(family=family, width=width, layers=layers, bidirectional=both, pooling=pooling, embedding=6)
        net = Recurrent(cell, 6 if of_text else 3, width, layers, both, pooling, 3, 11 if of_text else 0)
        return options, text_shape if of_text else series_shape, net, text() if of_text else series()

    yield "rnn_last", *recurrent("rnn", "RNN", 5, 1, False, "last")
    yield "lstm_both_last", *recurrent("lstm", "LSTM", 5, 2, True, "last")
    yield "lstm_max", *recurrent("lstm", "LSTM", 4, 1, False, "max")
    yield "gru_both_mean", *recurrent("gru", "GRU", 5, 2, True, "mean")
    yield "gru_series", *recurrent("gru", "GRU", 5, 1, False, "last", False)
    yield "textcnn", dict(family="textcnn", width=5, embedding=6, kernels=[2, 3, 4]), text_shape, \
        TextCnn(11, 6, 5, [2, 3, 4], 3), text()
    for pooling in ("mean", "max", "last"):
        yield f"tcn_{pooling}", dict(family="tcn", channels=[4, 4, 6], kernels=[3], pooling=pooling), series_shape, \
            Tcn(3, [4, 4, 6], 3, pooling, 3), series()
    for activation, norm in (("relu", "none"), ("gelu", "batch"), ("tanh", "layer")):
        yield f"mlp_{norm}", dict(family="mlp", hidden=[7, 5], activation=activation, norm=norm, embedding=3), \
            table_shape, Mlp(3, [4, 5], 3, [7, 5], activation, norm, 3), table()
    yield "lenet", dict(family="cnn", hidden=[20, 12]), dict(kind="image", channels=1, size=16), LeNet(1, 16, 3), \
        images(1, 16)
    yield "resnet_small", dict(family="resnet", channels=[4, 6], blocks=[1, 2]), \
        dict(kind="image", channels=3, size=8), ResNet(3, [4, 6], [1, 2], False, 3), images(3, 8)
    yield "resnet_imagenet", dict(family="resnet", channels=[4, 6], blocks=[1, 1], stem="imagenet"), \
        dict(kind="image", channels=3, size=24), ResNet(3, [4, 6], [1, 1], True, 3), images(3, 24)


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    index = {}
    for number, (name, options, shape, net, batch) in enumerate(cases()):
        torch.manual_seed(100 + number)
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.copy_(torch.randn_like(parameter) * 0.3)
        labels = torch.tensor([0, 2, 1, 2])
        out = {"param." + key: value.detach().clone() for key, value in net.state_dict().items()}
        net.eval()
        out["logits"] = net(*batch.values()).detach()
        net.train()
        loss = F.cross_entropy(net(*batch.values()), labels)
        loss.backward()
        out["loss"] = loss.detach().reshape(1)
        out.update({"grad." + key: value.grad for key, value in net.named_parameters()})
        out.update({"after." + key: value.detach().clone() for key, value in net.named_buffers()})
        out.update({"batch." + key: value for key, value in batch.items()}, labels=labels)
        save_file({key: value.contiguous() for key, value in out.items()}, folder / f"{name}.safetensors")
        index[name] = {"model": options, "shape": shape}
    (folder / "cases.json").write_text(json.dumps(index, indent=1) + "\n")


if __name__ == "__main__":
    torch.manual_seed(7)
    main()
