"""The library face: five verbs in five lines."""
