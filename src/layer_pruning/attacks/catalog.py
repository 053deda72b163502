"""Names of the attacks and what each can do; imports nothing heavy."""

from dataclasses import dataclass

NORMS = ("Linf", "L2")

CORRUPTIONS = (
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "gaussian_blur",
    "defocus_blur",
    "motion_blur",
    "brightness",
    "contrast",
    "pixelate",
    "jpeg_compression",
)
"""Those made here, see :mod:`layer_pruning.attacks.corruptions`."""
SEVERITIES = (1, 2, 3, 4, 5)
BUILT_IN = "built-in corruptions, not comparable with the official CIFAR-10-C and ImageNet-C"
OFFICIAL = "official files of Hendrycks and Dietterich 2019"


@dataclass(frozen=True)
class Attack:
    """What a user has to know to choose an attack.

    ``norms`` are the supported norms, ``carries_over`` whether an image broken at one epsilon
    counts as broken at every larger one, and ``description`` is one line for the manual and the
    report. ``module`` is the module of this room that has a function called like the attack, with
    the arguments and the result of :func:`layer_pruning.attacks.fgsm.fgsm`; "" for what the package
    pyautoattack runs. All of them work from two classes on, and no data set has fewer.
    """

    name: str
    norms: tuple[str, ...]
    carries_over: bool
    description: str
    module: str = ""


_CATALOG = (
    Attack(
        name="fgsm",
        norms=NORMS,
        carries_over=False,
        description="one gradient step of size epsilon (Goodfellow et al. 2015); weak and quick",
        module="fgsm",
    ),
    Attack(
        name="pgd",
        norms=NORMS,
        carries_over=True,
        description="Auto-PGD on the cross-entropy, 100 steps, one start (Croce & Hein 2020)",
    ),
    Attack(
        name="autoattack",
        norms=NORMS,
        carries_over=True,
        description="AutoAttack, standard: APGD-CE, APGD-T, FAB-T, Square (Croce & Hein 2020); "
        "with 3 classes APGD-DLR stands in for APGD-T, with 2 there is neither",
    ),
    Attack(
        name="autoattack_plus",
        norms=NORMS,
        carries_over=True,
        description="AutoAttack, plus: APGD-CE, APGD-DLR and FAB with five restarts each, Square, "
        "APGD-T, FAB-T; without the DLR losses that 2 or 3 classes do not have",
    ),
)

ATTACKS = tuple(attack.name for attack in _CATALOG)


def get_attack(name: str) -> Attack:
    """Return the entry called ``name``; raise ValueError naming the known ones otherwise."""
    for attack in _CATALOG:
        if attack.name == name:
            return attack
    raise ValueError(f"unknown attack {name!r}; known: {', '.join(ATTACKS)}")


def check_request(name: str, norm: str, epsilons: list[float]) -> list[float]:
    """Check an attack, its norm and its budgets; return the epsilons in ascending order.

    Epsilons are sizes of perturbations of images in [0, 1]: positive, finite, all different, and
    at most 1 in Linf. Raises ValueError otherwise.
    """
    attack = get_attack(name)
    if norm not in attack.norms:
        raise ValueError(f"{name} supports the norms {', '.join(attack.norms)}, not {norm!r}")
    if not epsilons:
        raise ValueError(f"{name} needs at least one epsilon")
    for epsilon in epsilons:
        if not 0 < epsilon < float("inf"):
            raise ValueError(f"epsilon must be positive and finite, not {epsilon}")
        if norm == "Linf" and epsilon > 1:
            raise ValueError(f"epsilon in Linf must be at most 1 (images are in [0, 1]): {epsilon}")
    ordered = sorted(float(epsilon) for epsilon in epsilons)
    if len(set(ordered)) < len(ordered):
        raise ValueError(f"epsilons must differ from one another: {ordered}")
    return ordered
