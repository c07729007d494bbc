"""Where the noise is: by hand, by another library's analysis of variance, by REML, and where the truth is known."""

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf

from suite.analysis.components import components, words
from suite.analysis.paired import of_gains

FULL = (pytest.mark.promise, pytest.mark.full)
TRUE = {"studies": 0.02, "seeds": 0.03, "images": 0.2, "studies × images": 0.1, "single answers": 0.3}


def drawn(draw, k, n, m, sds=TRUE):
    """Gains (k, n, m) with these standard deviations of the sources."""
    study, seed, image, both, rest = sds.values()
    g = study * draw.standard_normal((k, 1, 1)) + seed * draw.standard_normal((k, n, 1))
    g = g + image * draw.standard_normal(m) + both * draw.standard_normal((k, 1, m))
    return g + rest * draw.standard_normal((k, n, m))


def frame(gains):
    """A row for each gain; a seed has a name of its own in each study."""
    study, seed, image = np.indices(gains.shape).reshape(3, -1)
    return pd.DataFrame({"g": gains.ravel(), "a": study, "s": 100 * study + seed, "t": seed, "i": image, "one": 1})


@pytest.mark.parametrize("cases", [20, pytest.param(1_000, marks=FULL)])
def test_the_parts_are_those_of_another_librarys_analysis_of_variance(cases):
    draw = np.random.default_rng(40)
    for _ in range(cases):
        k, n, m = int(draw.integers(2, 5)), int(draw.integers(2, 5)), int(draw.integers(3, 8))
        gains = np.clip(np.round(drawn(draw, k, n, m, {**TRUE, "studies": 0.4, "seeds": 0.4, "images": 0.5})), -1, 1)
        fitted = smf.ols("g ~ C(a) + C(a):C(t) + C(i) + C(a):C(i)", frame(gains)).fit()
        sums = sm.stats.anova_lm(fitted, typ=1)["sum_sq"]
        rest = max(0.0, sums["Residual"]) / (k * (n - 1) * (m - 1))
        both = sums["C(a):C(i)"] / ((k - 1) * (m - 1))
        image, study, seed = sums["C(i)"] / (m - 1), sums["C(a)"] / (k - 1), sums["C(a):C(t)"] / (k * (n - 1))
        found = {one.source: one.variance for one in components(gains)}

        assert found == pytest.approx({
            "studies": (study - both - seed + rest) / (n * m), "seeds": (seed - rest) / m,
            "images": (image - both) / (k * n), "studies × images": (both - rest) / n, "single answers": rest,
        }, abs=1e-9)  # fmt: skip


def test_where_no_estimate_is_negative_they_are_those_of_restricted_maximum_likelihood():
    draw = np.random.default_rng(41)
    gains = drawn(draw, 6, 4, 12, dict(zip(TRUE, (0.5, 0.4, 0.6, 0.5, 0.3), strict=True)))
    parts = {"studies": "0 + C(a)", "seeds": "0 + C(s)", "images": "0 + C(i)", "studies × images": "0 + C(a):C(i)"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the other library inverts a matrix
        model = smf.mixedlm("g ~ 1", frame(gains), groups="one", re_formula="0", vc_formula=parts)
        fitted = model.fit(reml=True)
    reference = {**dict(zip(model.exog_vc.names, fitted.vcomp, strict=True)), "single answers": fitted.scale}
    found = {one.source: one.variance for one in components(gains)}

    assert min(found.values()) > 0
    assert found == pytest.approx(reference, rel=0.02)


@pytest.mark.parametrize("cases", [300, pytest.param(5_000, marks=FULL)])
def test_each_part_is_right_on_average(cases, figure):
    draw = np.random.default_rng(42)
    found = np.array([[one.variance for one in components(drawn(draw, 3, 3, 100))] for _ in range(cases)])
    errors = found.std(axis=0) / np.sqrt(cases)
    true = np.square([*TRUE.values()])
    figure(f"sources of noise, 3 studies of 3 seeds and 100 images, {cases} comparisons: mean estimates are "
           f"{', '.join(f'{ratio:.1%}' for ratio in found.mean(axis=0) / true)} of the truth")  # fmt: skip

    assert (np.abs(found.mean(axis=0) - true) < 4 * errors).all()


@pytest.mark.parametrize("shape", [(3, 4, 60), (1, 5, 60), (4, 1, 60)])
def test_together_they_are_the_variance_of_the_interval(shape):
    draw = np.random.default_rng(43)
    gains = drawn(draw, *shape, {**TRUE, "studies": 0.2, "seeds": 0.2})
    found = components(gains)
    paired = of_gains(gains[0] if shape[0] == 1 else gains.mean(axis=1))

    assert min(one.variance for one in found) > 0
    assert sum(one.se**2 for one in found) == pytest.approx(paired.se**2)
    assert sum(one.share for one in found) == pytest.approx(1)
    assert [one.source for one in found] == {
        (3, 4, 60): [*TRUE], (1, 5, 60): ["seeds", "images", "single answers"],
        (4, 1, 60): ["studies", "images", "single answers"],
    }[shape]  # fmt: skip


def test_a_part_that_is_estimated_below_zero_counts_as_none():
    gains = np.zeros((2, 2, 4))
    gains[:, 0, :2] = gains[:, 1, 2:] = 1  # every study and seed has the same mean: less spread than chance gives
    found = {one.source: one for one in components(gains)}

    assert found["seeds"].variance < 0
    assert (found["seeds"].sd, found["seeds"].share) == (0, 0)
    assert words([*found.values()]) == "single answers 100%"  # and none of it is the studies', which are all alike
    assert words(components(np.zeros((2, 2, 4)))) == "none"
