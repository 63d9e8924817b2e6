"""Architectures of transformers, two layers deep, from their configurations."""

import transformers
from architecture import Architecture, Only

TOKENS = 12
VOCABULARY = 97
SIZES = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128}


def built(model, config, **options):
    """`eager` spells attention out, as the exporter of transformers does."""

    def build():
        made = getattr(transformers, model)._from_config(getattr(transformers, config)(**options), attn_implementation="eager")
        return made.eval()

    return build


def logits(answer):
    return answer["logits"]


class Text(Only):
    """Token ids and attention mask in, the explained tensor out."""

    def forward(self, input_ids, attention_mask):
        return self.take(self.network(input_ids=input_ids, attention_mask=attention_mask))


def text(name, model, config, take=logits, embedding=lambda network: network.network.get_input_embeddings(), **options):
    build = built(model, config, **{"vocab_size": VOCABULARY, "num_labels": 5, "pad_token_id": 0, **options})
    return Architecture(name, "transformers", lambda: Text(build(), take), TOKENS, "text", vocabulary=VOCABULARY, embedding=embedding)


def image(name, model, config, size=64, take=logits, **options):
    build = built(model, config, **{"image_size": size, "num_labels": 20, **options})
    return Architecture(name, "transformers", lambda: Only(build(), take), size)


def encoder_mean(answer):
    return answer["last_hidden_state"].mean(1)


ARCHITECTURES = [
    text("bert", "BertForSequenceClassification", "BertConfig", **SIZES, max_position_embeddings=32),
    text("bert_tokens", "BertForTokenClassification", "BertConfig", **SIZES, max_position_embeddings=32),
    text("roberta", "RobertaForSequenceClassification", "RobertaConfig", **{**SIZES, "pad_token_id": 1}, max_position_embeddings=32, bos_token_id=0, eos_token_id=2),
    text("distilbert", "DistilBertForSequenceClassification", "DistilBertConfig", dim=64, n_layers=2, n_heads=4, hidden_dim=128, max_position_embeddings=32),
    text("electra", "ElectraForSequenceClassification", "ElectraConfig", **SIZES, embedding_size=32, max_position_embeddings=32),
    text("albert", "AlbertForSequenceClassification", "AlbertConfig", **SIZES, embedding_size=32, max_position_embeddings=32),
    text("deberta_v2", "DebertaV2ForSequenceClassification", "DebertaV2Config", **SIZES, max_position_embeddings=32, relative_attention=True, pos_att_type=["p2c", "c2p"]),
    text("mpnet", "MPNetForSequenceClassification", "MPNetConfig", **SIZES, max_position_embeddings=32),
    text("gpt2", "GPT2LMHeadModel", "GPT2Config", n_embd=64, n_layer=2, n_head=4, n_positions=32, use_cache=False, bos_token_id=1, eos_token_id=2),
    text("opt", "OPTForCausalLM", "OPTConfig", hidden_size=64, num_hidden_layers=2, num_attention_heads=4, ffn_dim=128, word_embed_proj_dim=64, max_position_embeddings=32, use_cache=False),
    text("gpt_neox", "GPTNeoXForCausalLM", "GPTNeoXConfig", **SIZES, max_position_embeddings=32, use_cache=False, bos_token_id=1, eos_token_id=2),
    text("t5_encoder", "T5EncoderModel", "T5Config", take=encoder_mean, embedding=lambda network: network.network.encoder.embed_tokens, d_model=64, d_kv=16, d_ff=128, num_layers=2, num_heads=4, use_cache=False),
    text("llama", "LlamaForCausalLM", "LlamaConfig", **SIZES, num_key_value_heads=2, max_position_embeddings=32, use_cache=False, bos_token_id=1, eos_token_id=2),
    text("qwen2", "Qwen2ForCausalLM", "Qwen2Config", **SIZES, num_key_value_heads=2, max_position_embeddings=32, use_cache=False, bos_token_id=1, eos_token_id=2),
    text("modernbert", "ModernBertForSequenceClassification", "ModernBertConfig", **SIZES, max_position_embeddings=32, bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2, local_attention=8),
    image("vit_hf", "ViTForImageClassification", "ViTConfig", **SIZES),
    image("deit_hf", "DeiTForImageClassificationWithTeacher", "DeiTConfig", **SIZES),
    image("beit_hf", "BeitForImageClassification", "BeitConfig", **SIZES, use_relative_position_bias=True, layer_scale_init_value=0.1),
    image("dinov2_hf", "Dinov2ForImageClassification", "Dinov2Config", 56, **{**SIZES, "mlp_ratio": 2}, patch_size=14),
    image("swin_hf", "SwinForImageClassification", "SwinConfig", embed_dim=32, depths=[2, 2], num_heads=[2, 4], window_size=4),
    image("swinv2_hf", "Swinv2ForImageClassification", "Swinv2Config", embed_dim=32, depths=[2, 2], num_heads=[2, 4], window_size=2),
    image("convnext_hf", "ConvNextForImageClassification", "ConvNextConfig", depths=[1, 1, 2, 1], hidden_sizes=[32, 48, 64, 96]),
    image("convnextv2_hf", "ConvNextV2ForImageClassification", "ConvNextV2Config", depths=[1, 1, 2, 1], hidden_sizes=[32, 48, 64, 96]),
    image("mobilevit_hf", "MobileViTForImageClassification", "MobileViTConfig", hidden_sizes=[48, 64, 80], neck_hidden_sizes=[8, 16, 24, 32, 40, 48, 160]),
    image("segformer_hf", "SegformerForSemanticSegmentation", "SegformerConfig", depths=[1, 1, 1, 1], hidden_sizes=[16, 32, 48, 64], decoder_hidden_size=32, num_attention_heads=[1, 2, 3, 4]),
    image("resnet_hf", "ResNetForImageClassification", "ResNetConfig", embedding_size=32, hidden_sizes=[64, 96, 128, 160], depths=[1, 1, 2, 1]),
    image("clip_vision", "CLIPVisionModelWithProjection", "CLIPVisionConfig", take=lambda y: y["image_embeds"], **SIZES, patch_size=16, projection_dim=32),
    image("siglip_vision", "SiglipVisionModel", "SiglipVisionConfig", take=lambda y: y["pooler_output"], **SIZES, patch_size=16),
    image("poolformer_hf", "PoolFormerForImageClassification", "PoolFormerConfig", depths=[1, 1, 1, 1], hidden_sizes=[16, 32, 48, 64]),
    image("levit_hf", "LevitForImageClassification", "LevitConfig", depths=[1, 1, 1], hidden_sizes=[64, 96, 128], key_dim=[16, 16, 16], num_attention_heads=[2, 3, 4]),
    image("yolos", "YolosForObjectDetection", "YolosConfig", **{**SIZES, "image_size": [64, 64], "num_labels": 4, "num_detection_tokens": 5}),
]
