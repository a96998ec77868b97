"""Networks on torch, for generators of the torch extra; the only place below them that may import torch."""
