"""Trains, once, the tokenizers of row k on the demo's sentences, into `.demo/benchmark/tokenizer-NAME`.

    python Benchmarks/train_tokenizers.py

- `bpe`: byte-level BPE with RoBERTa's pipeline.
- `unigram`: Unigram with XLM-RoBERTa's: SentencePiece's map of characters (that of the tests' fixtures), Metaspace.

Both have up to 30,000 tokens.
"""

import base64

from common import ROOT, WORK

SIZE = 30_000
CHARSMAP = ROOT / "Tests/TokenizersTests/Fixtures/families/charsmap.txt"
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]


def bpe(texts):
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=SIZE, special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
    return tokenizer


def unigram(texts):
    from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.Unigram())
    charsmap = base64.b64decode(CHARSMAP.read_text(encoding="ascii"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(charsmap), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")])
    tokenizer.train_from_iterator(texts, trainers.UnigramTrainer(
        vocab_size=SIZE, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False))
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    return tokenizer


def main():
    texts = [line for line in (WORK / "texts.txt").read_text(encoding="utf-8").split("\n") if line]
    for name, train in {"bpe": bpe, "unigram": unigram}.items():
        target = WORK / f"tokenizer-{name}"
        target.mkdir(exist_ok=True)
        if not (target / "tokenizer.json").exists():
            partial = target / "tokenizer.partial"
            train(texts).save(str(partial))
            partial.rename(target / "tokenizer.json")


if __name__ == "__main__":
    main()
