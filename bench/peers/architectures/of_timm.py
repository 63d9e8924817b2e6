"""Architectures of timm, each the smallest member of its family, some with fewer blocks."""

from dataclasses import replace
from functools import partial

import timm
from architecture import Architecture
from timm.models import convmixer, focalnet, metaformer, mlp_mixer, nest, nfnet, resnetv2
from torch import nn


def network(member, size=64, name=None, sized=False, **options):
    """`sized`: the network is made for one image size."""
    if sized:
        options["img_size"] = size
    return Architecture(name or member, "timm", lambda: timm.create_model(member, num_classes=20, **options), size)


def of_class(name, kind, **options):
    """Where timm's function for the member leaves nothing to choose: its class with the same options but the sizes."""
    return Architecture(name, "timm", lambda: kind(num_classes=20, **options))


def small_nfnet(member):
    sizes = {"depths": (1, 1, 1, 1), "channels": (64, 128, 128, 128), "stem_chs": 32}
    if nfnet.model_cfgs[member].group_size:
        sizes |= {"group_size": 16, "num_features": 96}
    return Architecture(member, "timm", lambda: nfnet.NormFreeNet(replace(nfnet.model_cfgs[member], **sizes), num_classes=20), 64)


# A vision transformer of two blocks, 64 wide, on 16 patches.
small = {"sized": True, "depth": 2, "embed_dim": 64, "num_heads": 4}

ARCHITECTURES = [
    network("mobilenetv1_100"),
    network("mobilenetv4_conv_small"),
    network("mobilenetv4_hybrid_medium", 96),
    network("efficientnet_lite0"),
    network("tf_efficientnetv2_b0"),
    small_nfnet("nfnet_f0"),
    small_nfnet("eca_nfnet_l0"),
    small_nfnet("dm_nfnet_f0"),
    small_nfnet("nf_resnet50"),
    network("convnext_atto", depths=(1, 1, 2, 1)),
    network("convnextv2_atto", depths=(1, 1, 2, 1)),
    network("maxvit_pico_rw_256", 64, sized=True),
    network("coatnet_pico_rw_224", 64, sized=True),
    network("vit_tiny_patch16_224", **small),
    network("deit_tiny_patch16_224", **small),
    network("deit_tiny_distilled_patch16_224", **small),
    network("deit3_small_patch16_224", **small),
    network("vit_small_patch14_dinov2", 56, **small),
    network("vit_small_patch14_reg4_dinov2", 56, **small),
    network("swin_tiny_patch4_window7_224", 112, sized=True, depths=(2, 2, 1), num_heads=(2, 4, 4), embed_dim=32),
    network("swinv2_tiny_window8_256", 64, sized=True, window_size=4, depths=(2, 2, 1), num_heads=(2, 4, 4), embed_dim=32),
    network("beit_base_patch16_224", **small),
    network("cait_xxs24_224", **small),
    network("crossvit_9_240", 240, embed_dim=(32, 64), depth=((1, 1, 0), (1, 1, 0)), num_heads=(2, 2)),
    network("pit_ti_224", 64, sized=True, depth=(1, 1, 1)),
    network("pit_ti_distilled_224", 64, sized=True, depth=(1, 1, 1)),
    network("pvt_v2_b0", 64, depths=(1, 1, 1, 1)),
    network("levit_128s", 224, depth=(1, 1, 1)),
    network("efficientformer_l1", 224, depths=(1, 1, 1, 2)),
    network("efficientformerv2_s0", 224, depths=(1, 1, 2, 2)),
    of_class(
        "poolformer_s12", metaformer.MetaFormer, depths=(1, 1, 1, 1), dims=(32, 64, 64, 64), downsample_norm=None, mlp_act=nn.GELU, mlp_bias=True,
        norm_layers=metaformer.GroupNorm1, layer_scale_init_values=1e-5, res_scale_init_values=None, use_mlp_head=False,
    ),
    of_class("poolformerv2_s12", metaformer.MetaFormer, depths=(1, 1, 1, 1), dims=(32, 64, 64, 64), norm_layers=metaformer.GroupNorm1NoBias, use_mlp_head=False),
    of_class("mixer_s32_224", mlp_mixer.MlpMixer, img_size=64, patch_size=16, num_blocks=2, embed_dim=64),
    of_class("resmlp_12_224", mlp_mixer.MlpMixer, img_size=64, patch_size=16, num_blocks=2, embed_dim=64, mlp_ratio=4, block_layer=mlp_mixer.ResBlock, norm_layer=mlp_mixer.Affine),
    of_class(
        "gmlp_ti16_224", mlp_mixer.MlpMixer, img_size=64, patch_size=16, num_blocks=2, embed_dim=64, mlp_ratio=6, block_layer=mlp_mixer.SpatialGatingBlock,
        mlp_layer=mlp_mixer.GatedMlp,
    ),
    network("mobilevit_xxs", 64),
    network("mobilevitv2_050", 64),
    network("edgenext_xx_small", 64),
    network("ghostnet_050"),
    network("ghostnetv2_100"),
    network("hrnet_w18_small"),
    network("dla46_c"),
    network("cspresnet50"),
    network("cspdarknet53"),
    network("darknet53"),
    network("ese_vovnet19b_slim"),
    network("vovnet39a"),
    network("res2net50_14w_8s"),
    network("seresnet18"),
    network("legacy_seresnet18"),
    network("skresnet18"),
    network("resnest14d"),
    network("legacy_xception", 96),
    network("xception41", 96),
    network("inception_v4", 96),
    network("inception_resnet_v2", 96),
    of_class(
        "resnetv2_50x1_bit", resnetv2.ResNetV2, layers=[1, 1, 1, 1], width_factor=1, stem_type="fixed",
        conv_layer=partial(resnetv2.StdConv2d, eps=1e-8),
    ),
    network("resnetv2_50", 64, layers=(1, 1, 1, 1)),
    network("fastvit_t8", 64),
    network("repvgg_a0"),
    network("tiny_vit_5m_224", 224, depths=(1, 1, 1, 1)),
    network("eva02_tiny_patch14_224", 56, **small),
    network("resnet50d", layers=(1, 1, 1, 1)),
    network("ecaresnet26t"),
    network("regnetz_005"),
    network("rexnet_100"),
    network("lcnet_050"),
    network("hardcorenas_a"),
    network("fbnetc_100"),
    network("spnasnet_100"),
    network("dpn48b"),
    network("selecsls42b"),
    network("gernet_s"),
    network("hgnetv2_b0"),
    network("repvit_m0_9"),
    network("starnet_s050"),
    of_class("convmixer_768_32", convmixer.ConvMixer, dim=64, depth=3, kernel_size=7, patch_size=7, act_layer=nn.ReLU),
    network("inception_next_atto", depths=(1, 1, 1, 1)),
    of_class(
        "caformer_s18", metaformer.MetaFormer, depths=(1, 1, 1, 1), dims=(32, 64, 64, 64), token_mixers=[metaformer.SepConv] * 2 + [metaformer.Attention] * 2,
        norm_layers=[metaformer.LayerNorm2dNoBias] * 2 + [metaformer.LayerNormNoBias] * 2,
    ),
    of_class("focalnet_tiny_srf", focalnet.FocalNet, depths=(1, 1, 1), embed_dim=32),
    network("davit_tiny", 224, depths=(1, 1, 1), embed_dims=(32, 64, 64), num_heads=(2, 2, 2)),
    of_class("nest_tiny", nest.Nest, img_size=64, depths=(1, 1, 1), embed_dims=(32, 64, 64), num_heads=(2, 2, 2), num_levels=3),
    network("twins_svt_small", 64, depths=(1, 1, 1, 1)),
    network("visformer_tiny", 64, sized=True, depth=(1, 1, 1)),
    network("xcit_nano_12_p16_224", 64, depth=2, embed_dim=64),
    network("coat_lite_tiny", 64, sized=True, serial_depths=(1, 1, 1, 1)),
    network("efficientvit_b0", 64),
    network("mambaout_femto", depths=(1, 1, 1, 1)),
    network("rdnet_tiny"),
    network("hiera_tiny_224", 64, sized=True, stages=(1, 1, 1, 1)),
    network("samvit_base_patch16", 64, **small, global_attn_indexes=(1,)),
]
