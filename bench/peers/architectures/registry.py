"""All architectures, by name."""

import of_hand
import of_timm
import of_torchvision
import of_transformers

ALL = {each.name: each for module in (of_torchvision, of_timm, of_transformers, of_hand) for each in module.ARCHITECTURES}
