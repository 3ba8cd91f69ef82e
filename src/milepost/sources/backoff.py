"""How long to wait after failures. Pure: chance is an argument."""


def backoff_s(failures: int, first_s: float, limit_s: float, chance: float) -> float:
    """The wait after `failures` failures in a row: doubles up to `limit_s`, and `chance` takes up to half of it off.

    `chance` is a random number in 0..1; it keeps balancers that lost the same Marathon from coming back in step.
    """
    if failures <= 0:
        return 0.0
    full_s = min(limit_s, first_s * 2.0 ** min(failures - 1, 30))
    return full_s * (1.0 - chance / 2.0)
