"""How the shipped models came about."""
