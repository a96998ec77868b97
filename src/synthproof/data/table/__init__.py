"""Tables of people: reading, schema, splitting, writing back alike."""
