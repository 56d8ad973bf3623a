"""SPINE 5.2: the use case functions as features of a SPINE device; one module each, only mapping."""
