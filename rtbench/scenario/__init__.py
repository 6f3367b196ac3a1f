"""Scenarios: YAML files, validated with file, line and key in every error, and drawn into core scripts."""
