"""Images: squares of one size with a table of labels, read through one recorded chain and never held whole."""
