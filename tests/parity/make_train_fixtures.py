"""Makes tests/fixtures/train/parity: ten steps of a PyTorch training loop for athanor/train/trainer_test.cc.

    python3 tests/parity/make_train_fixtures.py tests/fixtures/train/parity

Written with torch 2.13.0. A second, independent implementation of all that decides a loss: the Llama block (HF's
conventions), the loader's sample order and document rule, torch.optim.AdamW, clip_grad_norm_, nanoGPT's cosine.
The folder holds the initial weights (an HF folder), the documents, the options and the losses.
"""

import json
import math
import struct
import sys
from pathlib import Path

import torch
import torch.nn.functional as F

MASK = (1 << 64) - 1
CONFIG = dict(vocab_size=32, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
              intermediate_size=64, max_position_embeddings=32, rms_norm_eps=1e-5, rope_theta=10000.0, head_dim=8,
              tie_word_embeddings=False)
OPTIONS = dict(steps=10, batch_size=4, sequence_length=16, seed=11, lr=5e-3, beta1=0.9, beta2=0.95, eps=1e-8,
               weight_decay=0.1, warmup_steps=3, min_lr_fraction=0.1, grad_clip=1.0)


# --- the loader's order, as its header says ---------------------------------------------------------------------
def mix64(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def random_at(seed, a, b=0, c=0):
    return mix64(mix64(mix64(mix64(seed) ^ a) ^ b) ^ c)


def permute(index, size, key):
    half = ((size - 1).bit_length() + 1) // 2
    mask = (1 << half) - 1
    while True:
        left, right = index >> half, index & mask
        for r in range(4):
            left, right = right, left ^ (random_at(key, r, right) & mask)
        index = (left << half) | right
        if index < size:
            return index


def window_begin(sample, num_tokens, length, seed):
    num_samples = num_tokens // length
    epoch = sample // num_samples
    offset = random_at(seed, epoch, 1, 1) % length
    index = permute(sample % num_samples, num_samples, random_at(seed, epoch))
    return (offset + index * length) % num_tokens


# --- the model ---------------------------------------------------------------------------------------------------
def init_weights():
    g = torch.Generator().manual_seed(3)
    c, i, v = CONFIG["hidden_size"], CONFIG["intermediate_size"], CONFIG["vocab_size"]
    kv = CONFIG["num_key_value_heads"] * CONFIG["head_dim"]
    shapes = {"model.embed_tokens.weight": (v, c), "lm_head.weight": (v, c)}
    for n in range(CONFIG["num_hidden_layers"]):
        p = f"model.layers.{n}."
        shapes |= {p + "self_attn.q_proj.weight": (c, c), p + "self_attn.k_proj.weight": (kv, c),
                   p + "self_attn.v_proj.weight": (kv, c), p + "self_attn.o_proj.weight": (c, c),
                   p + "mlp.gate_proj.weight": (i, c), p + "mlp.up_proj.weight": (i, c),
                   p + "mlp.down_proj.weight": (c, i)}
    weights = {name: torch.randn(shape, generator=g) * 0.1 for name, shape in shapes.items()}
    for n in range(CONFIG["num_hidden_layers"]):
        for norm in ("input_layernorm", "post_attention_layernorm"):
            weights[f"model.layers.{n}.{norm}.weight"] = torch.ones(c)
    weights["model.norm.weight"] = torch.ones(c)
    return weights


def rms_norm(x, w):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + CONFIG["rms_norm_eps"]) * w


def rotate(x_BHTD):
    t, d = x_BHTD.shape[-2:]
    inv = CONFIG["rope_theta"] ** (-torch.arange(0, d, 2, dtype=torch.float32) / d)
    angle = torch.outer(torch.arange(t, dtype=torch.float32), inv)
    cos, sin = torch.cat([angle, angle], -1).cos(), torch.cat([angle, angle], -1).sin()
    half = torch.cat([-x_BHTD[..., d // 2:], x_BHTD[..., : d // 2]], -1)
    return x_BHTD * cos + half * sin


def forward(w, tokens_BT, document_BT):
    b, t = tokens_BT.shape
    h, g, d = CONFIG["num_attention_heads"], CONFIG["num_key_value_heads"], CONFIG["head_dim"]
    mask = torch.ones(t, t, dtype=torch.bool).tril() & (document_BT[:, :, None] == document_BT[:, None, :])
    x = F.embedding(tokens_BT, w["model.embed_tokens.weight"])
    for n in range(CONFIG["num_hidden_layers"]):
        p = f"model.layers.{n}."
        y = rms_norm(x, w[p + "input_layernorm.weight"])
        q = rotate((y @ w[p + "self_attn.q_proj.weight"].T).view(b, t, h, d).transpose(1, 2))
        k = rotate((y @ w[p + "self_attn.k_proj.weight"].T).view(b, t, g, d).transpose(1, 2))
        v = (y @ w[p + "self_attn.v_proj.weight"].T).view(b, t, g, d).transpose(1, 2)
        k, v = k.repeat_interleave(h // g, 1), v.repeat_interleave(h // g, 1)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None])
        x = x + y.transpose(1, 2).reshape(b, t, h * d) @ w[p + "self_attn.o_proj.weight"].T
        y = rms_norm(x, w[p + "post_attention_layernorm.weight"])
        y = F.silu(y @ w[p + "mlp.gate_proj.weight"].T) * (y @ w[p + "mlp.up_proj.weight"].T)
        x = x + y @ w[p + "mlp.down_proj.weight"].T
    return rms_norm(x, w["model.norm.weight"]) @ w["lm_head.weight"].T


# --- the loop ----------------------------------------------------------------------------------------------------
def lr_at(step):
    o = OPTIONS
    if step < o["warmup_steps"]:
        return o["lr"] * (step + 1) / (o["warmup_steps"] + 1)
    t = (step - o["warmup_steps"]) / (o["steps"] - o["warmup_steps"])
    low = o["lr"] * o["min_lr_fraction"]
    return low + 0.5 * (1 + math.cos(math.pi * t)) * (o["lr"] - low)


def write_safetensors(path, tensors):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, tensor in sorted(tensors.items()):
        raw = tensor.detach().contiguous().numpy().tobytes()
        header[name] = dict(dtype="F32", shape=list(tensor.shape), data_offsets=[len(data), len(data) + len(raw)])
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    g = torch.Generator().manual_seed(5)
    end = CONFIG["vocab_size"] - 1
    documents = [torch.randint(0, end, (int(n),), generator=g).tolist()
                 for n in torch.randint(3, 40, (12,), generator=g)]
    stream = [token for document in documents for token in document + [end]]
    weights = {name: w.requires_grad_(True) for name, w in init_weights().items()}
    write_safetensors(folder / "model.safetensors", weights)
    (folder / "config.json").write_text(json.dumps(
        dict(architectures=["LlamaForCausalLM"], model_type="llama", hidden_act="silu", attention_bias=False,
             mlp_bias=False, torch_dtype="float32", bos_token_id=end, eos_token_id=end, **CONFIG), indent=1) + "\n")
    matrices = [w for name, w in weights.items() if w.dim() == 2 and "embed_tokens" not in name]
    others = [w for name, w in weights.items() if w.dim() != 2 or "embed_tokens" in name]
    o = OPTIONS
    optimizer = torch.optim.AdamW([dict(params=matrices, weight_decay=o["weight_decay"]),
                                   dict(params=others, weight_decay=0.0)],
                                  lr=o["lr"], betas=(o["beta1"], o["beta2"]), eps=o["eps"])
    steps, length = [], o["sequence_length"]
    for step in range(o["steps"]):
        begins = [window_begin(step * o["batch_size"] + i, len(stream), length, o["seed"])
                  for i in range(o["batch_size"])]
        rows = torch.tensor([[stream[(b + i) % len(stream)] for i in range(length + 1)] for b in begins])
        tokens, targets = rows[:, :-1], rows[:, 1:]
        logits = forward(weights, tokens, (tokens == end).cumsum(1))
        loss = F.cross_entropy(logits.reshape(-1, logits.size(-1)), targets.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(list(weights.values()), o["grad_clip"])
        for group in optimizer.param_groups:
            group["lr"] = lr_at(step)
        optimizer.step()
        steps.append(dict(loss=loss.item(), grad_norm=norm.item(), lr=lr_at(step), window_begins=begins))
        print(steps[-1])
    (folder / "expected.json").write_text(json.dumps(
        dict(torch=torch.__version__, options=OPTIONS, documents=documents, steps=steps)) + "\n")


main(Path(sys.argv[1]))
