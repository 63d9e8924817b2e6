"""Trains the text model of examples/texts/film: a BERT of two small layers that tells whether a sentence praises a film.

    python models/train-film.py examples/texts/film

The sentences come from a few templates, so the model knows nothing but them; it is for trying relprop on a text, and takes
about a minute on one core. Needs torch, transformers and tokenizers.
"""

import itertools
import pathlib
import sys

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForSequenceClassification

good = "great good funny moving clever brilliant exciting wonderful charming".split()
bad = "boring bad dull slow silly awful empty terrible predictable".split()
articles = "the this that".split()
things = "film plot story acting music ending cast camera".split()
verbs = "was is".split()
degrees = ["", "very", "really", "so"]
ends = ["!", "."]


def sentences():
    """(text, 1 if it praises), each once."""
    for article, thing, verb, negation, degree, word, end in itertools.product(
        articles, things, verbs, ["", "not"], degrees, good + bad, ends
    ):
        words = [article, thing, verb, negation, degree, word]
        yield " ".join(filter(None, words)) + end, int((word in good) != (negation == "not"))


def make_tokenizer():
    words = articles + things + verbs + ["not"] + degrees[1:] + good + bad + ends
    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = [("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=special)
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    return tokenizer


def train(model, ids, mask, labels):
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    for step in range(600):
        batch = torch.randint(len(ids), (128,))
        loss = model(input_ids=ids[batch], attention_mask=mask[batch], labels=labels[batch]).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            print(step, loss.item())


class Classifier(torch.nn.Module):
    """Token ids and mask to logits, as Hugging Face's exports have it."""

    def __init__(self, bert):
        super().__init__()
        self.bert = bert

    def forward(self, input_ids, attention_mask):
        return self.bert(input_ids=input_ids, attention_mask=attention_mask).logits


def main(folder):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    tokenizer = make_tokenizer()
    texts, labels = zip(*sentences())
    tokenizer.enable_padding()
    encodings = tokenizer.encode_batch(list(texts))
    tokenizer.no_padding()
    ids = torch.tensor([each.ids for each in encodings])
    mask = torch.tensor([each.attention_mask for each in encodings])
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=32,
        id2label={0: "negative", 1: "positive"},
        label2id={"negative": 0, "positive": 1},
        attn_implementation="eager",
    )
    model = BertForSequenceClassification(config)
    train(model, ids, mask, torch.tensor(labels))
    model.eval()
    with torch.no_grad():
        right = (model(input_ids=ids, attention_mask=mask).logits.argmax(1) == torch.tensor(labels)).float().mean()
    print("right", right.item())

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    model.config.save_pretrained(folder)
    names = ["input_ids", "attention_mask"]
    torch.onnx.export(
        Classifier(model),
        (ids[:2], mask[:2]),
        str(folder / "model.onnx"),
        dynamo=False,
        opset_version=17,
        input_names=names,
        output_names=["logits"],
        dynamic_axes={name: {0: "batch", 1: "tokens"} for name in names},
    )


main(pathlib.Path(sys.argv[1]))
