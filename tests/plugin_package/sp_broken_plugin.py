"""A third party's package that cannot be imported."""

raise ImportError("needs a library that is not here")
