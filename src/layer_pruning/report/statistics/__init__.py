"""How networks are compared: distributions, models over seeds and images, who is beside whom."""
