"""The program `unrolled`, a module a verb. Qt is imported by the verbs that need it, torch by none."""
