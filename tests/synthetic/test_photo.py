from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from mmskin.errors import ConfigError, DataError
from mmskin.synthetic.case import VALUES, SyntheticCase, twin
from mmskin.synthetic.photo import Photo, render

PLAIN = {name: values[0] for name, values in VALUES.items()}


def plain(number: int = 0, **values: str) -> SyntheticCase:
    return SyntheticCase(f"case_{number}", f"patient_{number}", "alvita", {**PLAIN, **values}, seed=5)


def anyone(number: int, rng: np.random.Generator) -> SyntheticCase:
    return plain(number, **{name: str(rng.choice(values)) for name, values in VALUES.items()})


def changed(a: Photo, b: Photo) -> np.ndarray:
    return (a.pixels != b.pixels).any(axis=2)


def test_same_case_gives_the_same_photo() -> None:
    assert np.array_equal(render(plain(3)).pixels, render(plain(3)).pixels)
    assert not np.array_equal(render(plain(3)).pixels, render(plain(4)).pixels)


def test_photo_is_square_colour_at_every_admissible_size() -> None:
    for size in (96, 128, 224):
        photo = render(plain(), size=size)
        assert photo.pixels.shape == (size, size, 3)
        assert photo.pixels.dtype == np.uint8
        assert photo.mask.shape == (size, size)


def test_lesion_lies_inside_off_centre_and_fills_its_share() -> None:
    rng = np.random.default_rng(0)
    for number in range(60):
        mask = render(anyone(number, rng), size=96).mask
        assert 0.05 < mask.mean() < 0.25
        assert mask[1:-1, 1:-1].sum() == mask.sum()
        assert ndimage.label(mask)[1] == 1
    centre = np.array([ndimage.center_of_mass(render(plain(i), size=96).mask) for i in range(40)])
    assert np.hypot(*(centre - 47.5).T).mean() > 0.05 * 96


def test_smaller_lesions_lie_farther_off_the_centre_and_still_inside() -> None:
    masks = [render(plain(i), size=96, area=(0.05, 0.08)).mask for i in range(20)]
    assert all(0.04 < mask.mean() < 0.09 for mask in masks)
    assert not any(np.concatenate([mask[[0, -1]].ravel(), mask[:, [0, -1]].ravel()]).any() for mask in masks)
    usual = [render(plain(i), size=96).mask[48, 48] for i in range(20)]
    assert np.mean([mask[48, 48] for mask in masks]) < 0.2 < np.mean(usual)
    for area in ((0.01, 0.1), (0.1, 0.3), (0.2, 0.1)):
        with pytest.raises(ConfigError, match="area="):
            render(plain(), area=area)


def test_lesion_is_darker_than_the_skin_around_it_on_every_skin() -> None:
    for tone in VALUES["skin_tone"]:
        for number in range(5):
            photo = render(plain(number, skin_tone=tone))
            around = ndimage.binary_dilation(photo.mask, iterations=12) & ~ndimage.binary_dilation(
                photo.mask, iterations=5
            )
            assert photo.pixels[photo.mask].mean() < 0.85 * photo.pixels[around].mean()


@pytest.mark.parametrize("change", [{"colours": "two"}, {"colours": "three"}, {"scale": "yes"}, {"ulcer": "yes"}])
def test_what_lies_inside_the_lesion_changes_nothing_outside(change: dict[str, str]) -> None:
    rng = np.random.default_rng(1)
    for number in range(8):
        case = twin(anyone(number, rng), {"colours": "one", "scale": "no", "ulcer": "no"})
        before, after = render(case), render(twin(case, change))
        assert np.array_equal(before.mask, after.mask)
        touched = changed(before, after)
        assert touched[before.mask].mean() > 0.05
        assert not touched[~ndimage.binary_dilation(before.mask, iterations=3)].any()


def test_ulcer_leaves_the_rest_of_the_lesion_as_it_was() -> None:
    for number in range(8):
        case = plain(number, colours="three", scale="yes")
        before, after = render(case), render(twin(case, {"ulcer": "yes"}))
        assert changed(before, after)[before.mask].mean() < 0.3  # an ulcer covers .4² of a round lesion, a bit frayed


@pytest.mark.parametrize("change", [{"asymmetry": "yes"}, {"border": "irregular"}])
def test_change_of_outline_changes_nothing_beyond_both_outlines(change: dict[str, str]) -> None:
    rng = np.random.default_rng(2)
    for number in range(8):
        case = twin(anyone(number, rng), {"asymmetry": "no", "border": "smooth"})
        before, after = render(case), render(twin(case, change))
        assert (before.mask != after.mask).sum() > 0.05 * before.mask.sum()
        assert after.mask.sum() == pytest.approx(before.mask.sum(), rel=0.04)
        either = ndimage.binary_dilation(before.mask | after.mask, iterations=3)
        assert not changed(before, after)[~either].any()


@pytest.mark.parametrize("mark", ["pen", "ruler"])
def test_marks_leave_the_lesion_alone(mark: str) -> None:
    rng = np.random.default_rng(3)
    for number in range(12):
        case = twin(anyone(number, rng), {"pen": "no", "ruler": "no"})
        before, after = render(case), render(twin(case, {mark: "yes"}))
        assert np.array_equal(before.mask, after.mask)
        touched = changed(before, after)
        assert touched.mean() > 0.005
        assert not touched[before.mask].any()


def test_change_of_the_history_changes_no_pixel() -> None:
    case = plain(7)
    other = twin(case, {"bleeding": "yes", "growth": "yes", "duration": "weeks", "age": "75 and over"})
    assert np.array_equal(render(case).pixels, render(other).pixels)


def test_patient_keeps_the_skin_from_one_lesion_to_the_next() -> None:
    def tone(case_id: str, patient_id: str) -> np.ndarray:
        case = SyntheticCase(case_id, patient_id, "alvita", PLAIN, seed=5)
        return case.stream("tone", of_patient=True).normal(size=3)

    assert np.array_equal(tone("case_1", "patient_1"), tone("case_2", "patient_1"))
    assert not np.array_equal(tone("case_1", "patient_1"), tone("case_2", "patient_2"))


def lobes_and_teeth(mask: np.ndarray) -> tuple[float, float]:
    """Strength of harmonics 2 and 3 of the outline, and of 7 to 18, as shares of its mean radius."""
    row, column = ndimage.center_of_mass(mask)
    y, x = np.nonzero(mask & ~ndimage.binary_erosion(mask))
    angle, radius = np.arctan2(y - row, x - column), np.hypot(y - row, x - column)
    order = np.argsort(angle)
    even = np.interp(np.linspace(-np.pi, np.pi, 256, endpoint=False), angle[order], radius[order], period=2 * np.pi)
    power = np.abs(np.fft.rfft(even / even.mean())) / 128
    return float(np.hypot(*power[2:4])), float(np.sqrt((power[7:19] ** 2).sum()))


def statistics(photo: Photo) -> dict[str, float]:
    """One number for each thing to be read: shares of the lesion's pixels of a colour, and the outline's harmonics."""
    inside = photo.pixels[photo.mask].astype(float)
    skin = photo.pixels[~ndimage.binary_dilation(photo.mask, iterations=6)].mean()
    red, green, blue = inside.T
    crimson, bluish = red > 2.6 * green, blue > 1.1 * red
    pale = (green > 150) & (np.abs(red - blue) < 45)
    lobes, teeth = lobes_and_teeth(photo.mask)
    return {
        "asymmetry": lobes,
        "border": teeth,
        "black": float(((inside.max(axis=1) < 0.42 * skin) & ~crimson).mean()),
        "blue": float(bluish.mean()),
        "scale": float((pale & ~bluish).mean()),
        "ulcer": float((crimson & (red > 80)).mean()),
    }


def best_cut(score: np.ndarray, yes: np.ndarray) -> float:
    """The threshold with most right answers, in the middle of its gap."""
    ordered = np.unique(score)
    cuts = (ordered[1:] + ordered[:-1]) / 2
    right = np.array([((score > cut) == yes).mean() for cut in cuts])
    return float(np.median(cuts[right == right.max()]))


def test_every_diagnostic_value_can_be_read_from_held_out_photos() -> None:
    """One statistic and one threshold each, chosen on 100 photos: 98 of 100 and more right on 180 others.

    The lesion's mask is given, and neither hair nor coloured light disturbs. A small network needs no such help
    (`test_probe.py`, slow).
    """
    rng = np.random.default_rng(4)
    cases = [twin(anyone(number, rng), {"hair": "none", "light": "neutral"}) for number in range(280)]
    found = [statistics(render(case)) for case in cases]
    truth = {
        "asymmetry": [case.has("asymmetry") for case in cases],
        "border": [case.values["border"] == "irregular" for case in cases],
        "black": [case.values["colours"] != "one" for case in cases],
        "blue": [case.values["colours"] == "three" for case in cases],
        "scale": [case.has("scale") for case in cases],
        "ulcer": [case.has("ulcer") for case in cases],
    }
    for name, answers in truth.items():
        score, yes = np.array([numbers[name] for numbers in found]), np.array(answers)
        right = float(((score[100:] > best_cut(score[:100], yes[:100])) == yes[100:]).mean())
        assert right >= 0.98, (name, right)


def test_size_at_which_nothing_can_be_seen_is_refused() -> None:
    with pytest.raises(ConfigError, match="size=64 must lie between 96 and 512"):
        render(plain(), size=64)


def test_impossible_twin_is_refused() -> None:
    with pytest.raises(DataError, match="Did you mean 'ulcer'"):
        twin(plain(), {"ulcers": "yes"})
    with pytest.raises(DataError, match="border value 'yes' does not exist"):
        twin(plain(), {"border": "yes"})
