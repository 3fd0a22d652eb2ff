#!/usr/bin/env python3
"""Byte-level BPE: ours, gigatoken, quicktok, tiktoken and HF tokenizers on the same text, one thread, in the same run.

usage: PYTHONPATH=PEERS bench/tokenizer.py BUILD_FOLDER DATA_FOLDER [ROUNDS]
       (BUILD_FOLDER: a release build with the target tokenizer_speed; PEERS: tokenizers, tiktoken, gigatoken, quicktok-v1)

A fresh process for every tool and round, the tools in turn; processor time of encoding from memory to ids. "first" is the
process's first call on the text, "warm" the median of the calls after it. English: the classics, 45 MB; Chinese: the
classical-modern pairs, 17 MB; tiktoken and HF get the first 4 and 1 MB of them, since they are slow. quicktok has Qwen 3
alone. Median of the rounds, with least and most.
"""
import json, os, statistics, subprocess, sys, tempfile, time
from pathlib import Path

OWN_MB = {'tiktoken': 4, 'hf': 1}


def peer(tool, tokenizer, path):
    text = Path(path).read_bytes()
    limit = int(OWN_MB.get(tool, 1 << 20) * 1e6)
    text = text[:limit].decode(errors='ignore')
    start = time.process_time()
    if tool == 'gigatoken':
        import gigatoken
        encode = gigatoken.gigatoken_rs.load_hf_json(Path(tokenizer).read_bytes()).encode
    elif tool == 'quicktok':
        import quicktok
        batch = quicktok.get_encoding('qwen3').encode_batch
        encode = lambda whole: batch([whole])[0]
    elif tool == 'tiktoken':
        import tiktoken
        model = json.loads(Path(tokenizer).read_bytes())
        codes = byte_codes()
        ranks = {bytes(codes[c] for c in token): id for token, id in model['model']['vocab'].items()
                 if all(c in codes for c in token)}
        split = model['pre_tokenizer'].get('pretokenizers')
        pattern = split[0]['pattern']['Regex'] if split else \
            r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
        encode = tiktoken.Encoding('peer', pat_str=pattern, mergeable_ranks=ranks, special_tokens={}).encode_ordinary
    else:
        import tokenizers
        encode = tokenizers.Tokenizer.from_file(tokenizer).encode
    load = time.process_time() - start
    times = []
    for _ in range(2 if tool in OWN_MB else 4):
        start = time.process_time()
        ids = encode(text)
        times.append(time.process_time() - start)
    print(json.dumps({'load': load, 'encode': times, 'bytes': len(text.encode()), 'ids': len(ids)}))


def byte_codes():
    own = [*range(33, 127), *range(161, 173), *range(174, 256)]
    moved = [byte for byte in range(256) if byte not in own]
    return {**{chr(byte): byte for byte in own}, **{chr(256 + i): byte for i, byte in enumerate(moved)}}


def unpack(path):
    return subprocess.run(['zstd', '-dcq', path], capture_output=True, check=True).stdout


def make_inputs(data, folder):
    rows = [json.loads(line) for line in unpack(data / 'text/classics-en.jsonl.zst').splitlines()]
    (folder / 'English').write_bytes('\n'.join(row['text'] for row in rows).encode())
    rows = [json.loads(line) for line in unpack(data / 'text/classical-modern-zh.jsonl.zst').splitlines()]
    (folder / 'Chinese').write_bytes('\n'.join('\n'.join(map(str, row.values())) for row in rows).encode())
    for name, tokenizer in (('Qwen 3', 'qwen3'), ('DeepSeek V3', 'deepseek_v3')):
        (folder / f'{name}.json').write_bytes(unpack(data / 'tokenizers' / tokenizer / 'tokenizer.json.zst'))
    import tokenizers
    from tokenizers import decoders, models, pre_tokenizers
    vocab = json.loads(unpack(data / 'tokenizers/gpt2/encoder.json.zst'))
    lines = (data / 'tokenizers/gpt2/vocab.bpe').read_text(encoding='utf-8').split('\n')[1:]
    gpt2 = tokenizers.Tokenizer(models.BPE(vocab=vocab, merges=[tuple(line.split()) for line in lines if line]))
    gpt2.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    gpt2.decoder = decoders.ByteLevel()
    gpt2.save(str(folder / 'GPT-2.json'))
    (folder / 'letter').write_bytes(b'a' * 1000000)
    (folder / 'spaces').write_bytes(b' ' * 1000000)
    (folder / 'random').write_bytes(os.urandom(1000000))


def run(command):
    return json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout.splitlines()[-1])


def rates(runs):
    """MB/s on first sight and warm, each (median, least, most)."""
    def spread(values):
        return f'{statistics.median(values):.4g} ({min(values):.4g}-{max(values):.4g})'
    first = [r['bytes'] / r['encode'][0] / 1e6 for r in runs]
    warm = [r['bytes'] / statistics.median(r['encode'][1:]) / 1e6 for r in runs]
    return spread(first), spread(warm), statistics.median(first), statistics.median(warm)


def main():
    build, data = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_inputs(data, folder)
        for tokenizer in ('GPT-2', 'Qwen 3', 'DeepSeek V3'):
            for text in ('English', 'Chinese'):
                tools = ['ours', 'gigatoken', *(['quicktok'] if tokenizer == 'Qwen 3' else []),
                         *(['tiktoken'] if tokenizer != 'DeepSeek V3' else []), 'hf']
                runs = {tool: [] for tool in tools}
                for _ in range(rounds):
                    for tool in tools:
                        command = [build / 'tokenizer_speed', folder / f'{tokenizer}.json', folder / text, '4'] \
                            if tool == 'ours' else [sys.executable, __file__, '--peer', tool,
                                                    folder / f'{tokenizer}.json', folder / text]
                        runs[tool].append(run(command))
                ours = rates(runs['ours'])
                for tool in tools:
                    r = rates(runs[tool])
                    print(f'{tokenizer} | {text} | {tool} | first {r[0]} | warm {r[1]} | ours is '
                          f'{ours[2] / r[2]:.2f} x first, {ours[3] / r[3]:.2f} x warm', flush=True)
                decode = [r['ids'] and r['bytes'] / statistics.median(r['decode']) / 1e6 for r in runs['ours']]
                load = [1e3 * r['load_wall'] for r in runs['ours']]
                for sight, part in (('first sight', slice(0, 1)), ('warm', slice(4, None))):
                    gain, work = ([statistics.median(a[key][part]) / statistics.median(b[key][part]) for a, b in
                                   ((r['one_thread'], r['two_threads']) for r in runs['ours'])]
                                  for key in ('wall', 'processor'))
                    print(f'{tokenizer} | {text} | ours | two threads, {sight}: {statistics.median(gain):.2f} '
                          f'({min(gain):.2f}-{max(gain):.2f}) x one by the clock, {1 / statistics.median(work):.2f} x '
                          'the processor time', flush=True)
                full = [r['full_bytes'] / r['full'] / 1e6 for r in runs['ours']]
                print(f'{tokenizer} | {text} | ours | decode {statistics.median(decode):.0f} MB/s | encode_full '
                      f'{statistics.median(full):.0f} MB/s | load {statistics.median(load):.1f} ms by the clock', flush=True)
            for text in ('letter', 'spaces', 'random'):
                r = rates([run([build / 'tokenizer_speed', folder / f'{tokenizer}.json', folder / text, '4'])
                           for _ in range(rounds)])
                print(f'{tokenizer} | 1 MB of {text} | ours | first {r[0]} | warm {r[1]}', flush=True)


if __name__ == '__main__':
    if sys.argv[1] == '--peer':
        peer(*sys.argv[2:])
    else:
        main()
