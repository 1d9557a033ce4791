"""A checkpoint of somebody else's program, from the command line to the badge."""

from __future__ import annotations

import json

import their_models as theirs
import torch
from PIL import Image


def test_a_captioner_of_ones_own(run, dog, tmp_path):
    encoder, decoder = theirs.show_attend_tell()
    path = tmp_path / "BEST_checkpoint.pth.tar"
    torch.save({"epoch": 0, "encoder": encoder, "decoder": decoder}, path, _use_new_zipfile_serialization=False)
    (tmp_path / "WORDMAP.json").write_text(json.dumps({word: number for number, word in enumerate(theirs.WORDS)}))
    words, _ = theirs.caption_attending(encoder, decoder, Image.open(dog), 50)
    found = json.loads(run("caption", dog, "--model", path, "--json", "--beam", "1", UNROLLED_HOME=str(tmp_path / "home")).stdout)
    kept = json.loads((tmp_path / "home" / "config" / "models.json").read_text())
    assert kept == [{"model": str(path), "title": "Show, Attend and Tell · BEST_checkpoint.pth.tar"}]
    assert found["tokens"][: len(words)] == [theirs.WORDS[word] for word in words]
