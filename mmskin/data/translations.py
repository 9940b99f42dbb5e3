"""What each data set calls body site and skin tone, in the common words of `mmskin.data.vocabulary`.

Choices, where a list of six sites leaves one:

- A hand is upper extremity and a foot lower extremity, unless the data set says palm or sole. Where it says no more
  than "hand", some of these are palms.
- "acral" means palm or sole in dermoscopy, and is read so.
- A lip is head or neck.
- Buttocks are torso, as in ICD-O-3 (C44.5, skin of trunk).
- SCIN asks for parts of the body by check boxes, of which several can be ticked, and groin and genitals share one: they
  stay fields of their own, and its site is not recorded.

Skin tones are the thirds of each six-step scale. **These scales do not measure the same**: Fitzpatrick types are how
skin takes the sun, told by the patient (PAD-UFES-20, SCIN), put on record by a doctor (DDI) or guessed from the photo
(Fitzpatrick17k); MILK10k's steps are how light the skin looks. Equal words make reports comparable, not patients.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Translation(NamedTuple):
    """A column of a source, and the common word for every value in it that is not the common word itself."""

    column: str
    said: Mapping[str, str]


def _each(*values: str, word: str) -> dict[str, str]:
    """One common word for several values."""
    return dict.fromkeys(values, word)


_PAD_UFES_20 = {
    **_each("ear", "face", "lip", "neck", "nose", "scalp", word="head or neck"),
    **_each("abdomen", "back", "chest", word="torso"),
    **_each("arm", "forearm", "hand", word="upper extremity"),
    **_each("foot", "thigh", word="lower extremity"),
}
_HAM10000 = {
    **_each("ear", "face", "neck", "scalp", word="head or neck"),
    **_each("abdomen", "back", "chest", "trunk", word="torso"),
    **_each("hand", "upper extremity", word="upper extremity"),
    **_each("foot", "lower extremity", word="lower extremity"),
    "acral": "palm or sole",
    "genital": "mouth or genitals",
}
_ISIC = {
    "head/neck": "head or neck",
    **_each("anterior torso", "posterior torso", "lateral torso", "torso", word="torso"),
    "upper extremity": "upper extremity",
    "lower extremity": "lower extremity",
    "palms/soles": "palm or sole",
    "oral/genital": "mouth or genitals",
}
_MILK10K = {
    "head neck face": "head or neck",
    "trunk": "torso",
    **_each("hand", "upper extremity", word="upper extremity"),
    **_each("foot", "lower extremity", word="lower extremity"),
    "genital": "mouth or genitals",
}
_DERM7PT = {
    "head neck": "head or neck",
    **_each("abdomen", "back", "buttocks", "chest", word="torso"),
    "upper limbs": "upper extremity",
    "lower limbs": "lower extremity",
    "acral": "palm or sole",
    "genital areas": "mouth or genitals",
}

_FITZPATRICK = {**_each("1", "2", word="light"), **_each("3", "4", word="medium"), **_each("5", "6", word="dark")}
_PAIRS = {"1-2": "light", "3-4": "medium", "5-6": "dark"}
_MILK10K_TONES = {**_each("0", "1", word="dark"), **_each("2", "3", word="medium"), **_each("4", "5", word="light")}

_DECADES = {
    **_each("18 to 29", "30 to 39", word="<40"),
    **_each("40 to 49", "50 to 59", word="40-59"),
    **_each("60 to 69", "70 to 79", "80 or above", word="60+"),
}

TRANSLATIONS: Mapping[str, Mapping[str, Translation]] = {
    "ddi": {"skin_tone": Translation("skin_tone", _PAIRS)},
    "derm7pt": {"site": Translation("site", _DERM7PT)},
    "fitzpatrick17k": {"skin_tone": Translation("fitzpatrick", _FITZPATRICK)},
    "ham10000": {"site": Translation("site", _HAM10000)},
    "isic2019": {"site": Translation("site", _ISIC)},
    "isic2020": {"site": Translation("site", _ISIC)},
    "milk10k": {
        "site": Translation("site", _MILK10K),
        "skin_tone": Translation("skin_tone", _MILK10K_TONES),  # 0 is very dark, 5 very light
    },
    "pad_ufes_20": {
        "site": Translation("region", _PAD_UFES_20),
        "skin_tone": Translation("fitzpatrick", _FITZPATRICK),
    },
    # Decades are no years: SCIN's age stays a field of its own and is known by its band only.
    "scin": {
        "skin_tone": Translation("fitzpatrick", _FITZPATRICK),
        "age_group": Translation("age_group", _DECADES),
    },
}
