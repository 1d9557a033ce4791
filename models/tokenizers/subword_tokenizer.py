"""Sentences as pieces of words, and back, without losing anything but capitals.

Byte-pair encoding (Sennrich et al. 2016), by the library `tokenizers`. A piece that begins a word says so with ``▁``, so
that pieces make a sentence again by simply being joined: punctuation stands where it stood, and nothing has to be
guessed. What is kept in a checkpoint is the library's own description of the pieces, in JSON; it is data, never code.
"""

import unicodedata
from collections.abc import Iterable, Sequence

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from unrolled.models.tokenizers.symbols import SPECIAL, UNKNOWN, Symbols


class SubwordTokenizer(Symbols):
    """The pieces of one language, from what `tokenizers` writes, JSON. Raises `ValueError` where that is damaged."""

    def __init__(self, description: str) -> None:
        try:
            self._tokenizer = Tokenizer.from_str(description)
        except Exception as error:  # the library raises bare exceptions for whatever is wrong in the text
            raise ValueError("the description of the pieces is damaged") from error
        self.description = description
        size = self._tokenizer.get_vocab_size()
        super().__init__([self._tokenizer.id_to_token(number) or "" for number in range(size)])

    @classmethod
    def of(cls, sentences: Iterable[str], *, size: int) -> "SubwordTokenizer":
        tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
        tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
        # A word never runs into punctuation, and a digit is a piece of its own.
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation(),
                                                           pre_tokenizers.Digits(individual_digits=True)])
        tokenizer.decoder = decoders.Metaspace()
        trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=list(SPECIAL), show_progress=False)
        tokenizer.train_from_iterator(sentences, trainer)
        return cls(tokenizer.to_str())

    def knows(self, character: str) -> bool:
        """Whether no part of it is unknown; white space stands between words."""
        return character.isspace() or self.unknown not in self.encode(character)

    def encode(self, sentence: str) -> list[int]:
        """The numbers of a sentence's pieces; what was never seen is UNKNOWN, never dropped."""
        return list(self._tokenizer.encode(sentence, add_special_tokens=False).ids)

    def names(self, sentence: str) -> list[str]:
        """A sentence's pieces as people know them: one that is unknown by its own characters."""
        encoding = self._tokenizer.encode(sentence, add_special_tokens=False)
        return [sentence[first:last].strip() or word if number == self.unknown else word
                for number, word, (first, last) in zip(encoding.ids, encoding.tokens, encoding.offsets, strict=True)]

    def decode(self, tokens: Sequence[int]) -> str:
        """The sentence up to the first END."""
        kept = list(tokens)
        if self.end in kept:
            kept = kept[: kept.index(self.end)]
        text = "".join(self.words[token] for token in kept if token not in (self.start, self.unknown))
        return unicodedata.normalize("NFC", text.replace("▁", " ").strip())
