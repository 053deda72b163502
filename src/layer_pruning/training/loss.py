"""What training makes small."""

from torch import Tensor
from torch.nn import functional

from layer_pruning.training.recipe import Recipe


def training_loss(
    logits: Tensor, labels: Tensor, teacher_logits: Tensor | None, recipe: Recipe
) -> Tensor:
    """Cross-entropy, with a share of distillation where there is a teacher. Logits (n, classes).

    ``labels`` are numbers of classes (n,) or, where images were mixed, shares of them (n, classes).
    Distillation (Hinton, Vinyals and Dean 2015, arXiv 1503.02531): the Kullback-Leibler divergence
    of the predictions from the teacher's, both at the recipe's temperature T, times T².
    """
    loss = functional.cross_entropy(logits.float(), labels, label_smoothing=recipe.label_smoothing)
    if teacher_logits is None:
        return loss
    temperature, weight = recipe.distillation_temperature, recipe.distillation_weight
    divergence = functional.kl_div(
        functional.log_softmax(logits.float() / temperature, dim=1),
        functional.log_softmax(teacher_logits.float() / temperature, dim=1),
        reduction="batchmean",
        log_target=True,
    )
    return (1 - weight) * loss + weight * temperature**2 * divergence
