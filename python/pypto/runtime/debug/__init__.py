"""Hooks of the harness around generated code, of which the model has none."""
