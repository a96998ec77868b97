"""The committee's room: forms, rights, stages, counting, and the visual Turing test. No web, no database, no clock."""
