"""A chain of columns: each drawn from a network on codes or from trees on values, given the columns before it."""
