"""Tests of the firmware; see README.md for how they run."""
