"""Colour constancy: a photo as it would look in white light, whatever lamp and camera it was taken with."""

from __future__ import annotations

import torch
from torch import Tensor

POWER = 6.0  # the paper's best, and that of Barata et al. 2015 on dermoscopic photos


def shades_of_gray(photo: Tensor, *, power: float = POWER) -> Tensor:
    """(3, H, W) uint8 → the same with the colour of the light taken out.

    The light's colour e is the Minkowski mean of each channel, (mean of I_c^p)^(1/p), brought to length 1; a channel
    becomes I_c / (√3 e_c), cut off at 255. p = 1 is the grey world, p → ∞ the brightest value of each channel. In white
    light all e_c are 1 / √3 and the photo stays as it is. A photo without any of one colour stays as it is too: no gain
    would bring it back.

    Source: Finlayson & Trezzi, *Shades of gray and colour constancy*, Color and Imaging Conference 2004, equation 6; on
    skin Barata et al., *Improving dermoscopy image classification using color constancy*, IEEE JBHI 2015.
    """
    values = photo.double() / 255
    light = values.pow(power).mean(dim=(1, 2)).pow(1 / power)
    if not bool((light > 0).all()):
        return photo
    gains = light.norm() / (3**0.5 * light)
    evened: Tensor = 255 * values * gains.view(3, 1, 1)
    return evened.round().clamp(0, 255).to(torch.uint8)
