"""What all table synthesizers share about columns: how one is cut into drawable pieces, named, asked for and made anew."""
