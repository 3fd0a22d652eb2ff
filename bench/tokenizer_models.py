#!/usr/bin/env python3
"""WordPiece, Unigram and BPE over characters: ours, HF tokenizers and SentencePiece on the same text, one thread.

usage: PYTHONPATH=PEERS bench/tokenizer_models.py BUILD_FOLDER DATA_FOLDER [ROUNDS [NAME=TOKENIZER.json ...]]
       (BUILD_FOLDER: a release build with the target tokenizer_speed; PEERS: tokenizers, sentencepiece, protobuf)

The tools run in turn, a fresh process each; processor time of encoding from memory to ids, "first" the first call of
the process on the text, "warm" the median of the calls after it; median of the rounds with least and most. HF and
SentencePiece get the first 2 MB, line by line (SentencePiece) or as one text (HF), since they are slow. BERT comes
from DATA; a Unigram of 16,000 and a BPE of 8,000 tokens are trained by SentencePiece on 2.5 MB of English and some
Chinese and Japanese; other tokenizers (Gemma 3, Llama 2) can be named on the command line.
"""
import base64, json, os, statistics, sys, tempfile, time
from pathlib import Path

from tokenizer import rates, run, unpack

PEER_BYTES = 2_000_000
MARKER = '\u2581'


def peer(tool, tokenizer, path):
    text = Path(path).read_bytes()[:PEER_BYTES].decode(errors='ignore')
    if tool == 'hf':
        import tokenizers
        model = tokenizers.Tokenizer.from_file(tokenizer)
        model.no_truncation()
        model.no_padding()
        encode = lambda: model.encode(text, add_special_tokens=False)
    else:
        import sentencepiece
        model = sentencepiece.SentencePieceProcessor(model_file=tokenizer[:-len('.json')] + '.model')
        lines = text.split('\n')
        encode = lambda: [model.encode(line) for line in lines]
    times = []
    for _ in range(3):
        start = time.process_time()
        encode()
        times.append(time.process_time() - start)
    print(json.dumps({'encode': times, 'bytes': len(text.encode())}))


def tokenizer_json(model):
    """The tokenizer.json of a SentencePiece model, as transformers converts it."""
    pieces, spec = model.pieces, model.normalizer_spec
    steps = []
    if spec.precompiled_charsmap:
        steps.append({'type': 'Precompiled',
                      'precompiled_charsmap': base64.b64encode(spec.precompiled_charsmap).decode()})
        steps.append({'type': 'Strip', 'strip_left': False, 'strip_right': True})
        steps.append({'type': 'Replace', 'pattern': {'Regex': ' {2,}'}, 'content': MARKER})
    cut = {'type': 'Metaspace', 'replacement': MARKER, 'prepend_scheme': 'always', 'split': True}
    if model.trainer_spec.model_type == 1:
        kind = {'type': 'Unigram', 'unk_id': model.trainer_spec.unk_id, 'byte_fallback': False,
                'vocab': [[piece.piece, piece.score] for piece in pieces]}
    else:
        ids = {piece.piece: i for i, piece in enumerate(pieces)}
        merges = []
        for piece in pieces:
            parts = [(piece.piece[:i], piece.piece[i:]) for i in range(1, len(piece.piece))]
            parts = sorted((p for p in parts if p[0] in ids and p[1] in ids), key=lambda p: (ids[p[0]], ids[p[1]]))
            merges += [(piece.score, pair) for pair in parts]
        merges.sort(key=lambda entry: -entry[0])
        kind = {'type': 'BPE', 'dropout': None, 'unk_token': '<unk>', 'fuse_unk': True, 'byte_fallback': True,
                'vocab': ids, 'merges': [list(pair) for _, pair in merges]}
        steps = [{'type': 'Prepend', 'prepend': MARKER},
                 {'type': 'Replace', 'pattern': {'String': ' '}, 'content': MARKER}]
        cut = None
    return {'version': '1.0', 'truncation': None, 'padding': None, 'added_tokens': [],
            'normalizer': {'type': 'Sequence', 'normalizers': steps}, 'pre_tokenizer': cut, 'post_processor': None,
            'decoder': None, 'model': kind}


def train(folder, data):
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2
    japanese = unpack(data / 'text/wagahaiwa_nekodearu-ja.txt.zst').decode()[:200_000]
    sample = (folder / 'English').read_text()[:2_500_000] + (folder / 'Chinese').read_text()[:300_000] + japanese
    lines = [line for line in sample.split('\n') if 5 < len(line) < 1000]
    (folder / 'train.txt').write_text('\n'.join(lines))
    for name, settings in (('Unigram', dict(vocab_size=16000, model_type='unigram', character_coverage=0.999)),
                           ('SentencePiece BPE', dict(vocab_size=8000, model_type='bpe', byte_fallback=True,
                                                      character_coverage=0.99, remove_extra_whitespaces=False,
                                                      normalization_rule_name='identity'))):
        prefix = str(folder / name)
        sentencepiece.SentencePieceTrainer.train(input=str(folder / 'train.txt'), model_prefix=prefix, minloglevel=2,
                                                 **settings)
        model = sentencepiece_model_pb2.ModelProto()
        model.ParseFromString(Path(prefix + '.model').read_bytes())
        Path(prefix + '.json').write_text(json.dumps(tokenizer_json(model), ensure_ascii=False))


def make_inputs(data, folder):
    rows = [json.loads(line) for line in unpack(data / 'text/classics-en.jsonl.zst').splitlines()]
    (folder / 'English').write_text('\n'.join(row['text'] for row in rows)[:40_000_000])
    rows = [json.loads(line) for line in unpack(data / 'text/classical-modern-zh.jsonl.zst').splitlines()]
    (folder / 'Chinese').write_text('\n'.join('\n'.join(map(str, row.values())) for row in rows))
    (folder / 'letter').write_bytes(b'a' * 1000000)
    (folder / 'spaces').write_bytes(b' ' * 1000000)
    (folder / 'random').write_bytes(os.urandom(1000000))
    (folder / 'BERT.json').write_bytes((data / 'tokenizers/bert-base-uncased/tokenizer.json').read_bytes())
    train(folder, data)


def main():
    build, data = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_inputs(data, folder)
        tokenizers = {name: folder / f'{name}.json' for name in ('BERT', 'Unigram', 'SentencePiece BPE')}
        tokenizers.update((argument.split('=', 1)[0], Path(argument.split('=', 1)[1])) for argument in sys.argv[4:])
        for name, tokenizer in tokenizers.items():
            tools = ['ours', 'hf'] + (['sentencepiece'] if Path(str(tokenizer)[:-5] + '.model').exists() else [])
            for text in ('English', 'Chinese'):
                runs = {tool: [] for tool in tools}
                for _ in range(rounds):
                    for tool in tools:
                        command = [build / 'tokenizer_speed', tokenizer, folder / text, '4'] if tool == 'ours' else \
                            [sys.executable, __file__, '--peer', tool, str(tokenizer), folder / text]
                        runs[tool].append(run(command))
                ours = rates(runs['ours'])
                decode, full = (statistics.median(values) for values in zip(*(
                    (r['bytes'] / statistics.median(r['decode']) / 1e6, r['full_bytes'] / r['full'] / 1e6)
                    for r in runs['ours'])))
                print(f'{name} | {text} | ours | decode {decode:.0f} MB/s | encode_full {full:.0f} MB/s')
                for tool in tools:
                    r = rates(runs[tool])
                    print(f'{name} | {text} | {tool} | first {r[0]} | warm {r[1]} | ours is {ours[2] / r[2]:.1f} x '
                          f'first, {ours[3] / r[3]:.1f} x warm', flush=True)
            for text in ('letter', 'spaces', 'random'):
                r = rates([run([build / 'tokenizer_speed', tokenizer, folder / text, '4']) for _ in range(rounds)])
                print(f'{name} | 1 MB of {text} | ours | first {r[0]} | warm {r[1]}', flush=True)


if __name__ == '__main__':
    if sys.argv[1] == '--peer':
        peer(*sys.argv[2:])
    else:
        main()
