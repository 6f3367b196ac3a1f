"""Labelled audio clips: the manifest, the files, encoded frames shared by all sessions, and how corpora are made."""
