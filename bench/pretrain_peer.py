"""The peer of the pretraining benchmark: GPT-2 (nanoGPT's form) in idiomatic PyTorch, eager or compiled. One line of
JSON: seconds a step (forward, backward, clipping, fused AdamW), of the first one too, peak memory, matrix-product rate.

  python3 bench/pretrain_peer.py [--shape a|b|llama|char] [--bf16] [--compile] [--steps N] [--threads N]
"""
import json
import time

STARTED = time.perf_counter()

import argparse  # noqa: E402
import resource  # noqa: E402

import torch  # noqa: E402
import torch.nn as nn  # noqa: E402
import torch.nn.functional as F  # noqa: E402

SHAPES = {  # family, layers, heads, kv heads, width, intermediate, length, batch, vocabulary
    "a": ("gpt2", 6, 6, 6, 384, 1536, 256, 16, 8192),
    "b": ("gpt2", 12, 12, 12, 768, 3072, 512, 4, 50304),
    "char": ("gpt2", 4, 4, 4, 128, 512, 64, 12, 65),
    "llama": ("llama", 6, 6, 3, 384, 1024, 256, 16, 8192),
}


class Gpt2Block(nn.Module):
    def __init__(self, width, heads, inner):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x, cos, sin):
        b, t, c = x.shape
        q, k, v = (y.view(b, t, self.heads, -1).transpose(1, 2) for y in self.qkv(self.norm1(x)).split(c, -1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(b, t, c))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))


def rope(x, cos, sin):
    half = x.shape[-1] // 2
    turned = torch.cat((-x[..., half:], x[..., :half]), dim=-1)
    return x * cos + turned * sin


class LlamaBlock(nn.Module):
    def __init__(self, width, heads, kv_heads, inner):
        super().__init__()
        self.heads, self.kv_heads, self.head = heads, kv_heads, width // heads
        self.norm1 = nn.Parameter(torch.ones(width))
        self.norm2 = nn.Parameter(torch.ones(width))
        self.qkv = nn.Linear(width, (heads + 2 * kv_heads) * self.head, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.gate_up = nn.Linear(width, 2 * inner, bias=False)
        self.down = nn.Linear(inner, width, bias=False)

    def forward(self, x, cos, sin):
        b, t, c = x.shape
        h = F.rms_norm(x, (c,), self.norm1, 1e-5)
        q, k, v = self.qkv(h).split((self.heads * self.head, self.kv_heads * self.head, self.kv_heads * self.head), -1)
        q, k, v = (y.view(b, t, -1, self.head).transpose(1, 2) for y in (q, k, v))
        q, k = rope(q, cos, sin).to(v.dtype), rope(k, cos, sin).to(v.dtype)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=self.heads != self.kv_heads)
        x = x + self.out(y.transpose(1, 2).reshape(b, t, -1))
        gate, up = self.gate_up(F.rms_norm(x, (c,), self.norm2, 1e-5)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class Model(nn.Module):
    def __init__(self, family, layers, heads, kv_heads, width, inner, length, batch, vocab):
        super().__init__()
        gpt2 = family == "gpt2"
        self.embed = nn.Embedding(vocab, width)
        self.positions = nn.Embedding(length, width) if gpt2 else None
        self.blocks = nn.ModuleList(
            Gpt2Block(width, heads, inner) if gpt2 else LlamaBlock(width, heads, kv_heads, inner)
            for _ in range(layers))
        self.norm = nn.LayerNorm(width) if gpt2 else nn.RMSNorm(width, 1e-5)
        self.head = nn.Linear(width, vocab, bias=False)
        if gpt2:
            self.head.weight = self.embed.weight
        d = width // heads
        angle = torch.outer(torch.arange(length).float(), 10000.0 ** (-torch.arange(0, d, 2).float() / d))
        self.register_buffer("cos", torch.cat((angle, angle), -1).cos())
        self.register_buffer("sin", torch.cat((angle, angle), -1).sin())
        self.apply(lambda m: nn.init.normal_(m.weight, std=0.02) if isinstance(m, (nn.Linear, nn.Embedding)) else None)

    def forward(self, tokens, targets):
        x = self.embed(tokens)
        if self.positions is not None:
            x = x + self.positions.weight
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        return F.cross_entropy(self.head(self.norm(x)).flatten(0, 1), targets.flatten())


def gemm_rate(dtype, seconds=0.5, size=1024):
    a, b = torch.ones(size, size, dtype=dtype), torch.ones(size, size, dtype=dtype)
    torch.mm(a, b)
    best, start = 0.0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        begin = time.perf_counter()
        torch.mm(a, b)
        best = max(best, 2.0 * size ** 3 / (time.perf_counter() - begin))
    return best


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shape", default="a", choices=SHAPES)
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    shape = SHAPES[args.shape]
    length, batch, vocab = shape[6:]
    model = Model(*shape)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    ids = torch.randint(vocab, (batch, length + 1))
    run = torch.compile(model) if args.compile else model
    out = {"tokens": batch * length, "wall": [], "cpu": []}
    for step in range(args.steps + 2):
        start, cpu = time.perf_counter(), time.process_time()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.bf16):
            loss = run(ids[:, :-1], ids[:, 1:])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if step == 0:
            out["first_step"] = time.perf_counter() - STARTED
        if step >= 2:
            out["wall"].append(time.perf_counter() - start)
            out["cpu"].append(time.process_time() - cpu)
    out["peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    out["gemm"] = gemm_rate(torch.bfloat16 if args.bf16 else torch.float32)
    print(json.dumps(out), flush=True)


main()
